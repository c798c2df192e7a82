"""What `sweep doctor --device` says of the devices that it has tried."""

from __future__ import annotations

import os
from pathlib import Path

from sweep.api.finding import Finding
from sweep.api.units import bytes_text
from sweep.commands import command
from sweep.errors import UsageError
from sweep.executors.cuda_driver import driver_version
from sweep.executors.devices import MPS, cores, gpu, has_mps, memory_of_machine
from sweep.executors.local import Slot, slots
from sweep.executors.packing import DeviceMemory, max_that_fit
from sweep.quantities import quantity
from sweep.worker.child import Child
from sweep.worker.messages import DeviceChecked, Ready
from sweep.worker.orders import CheckDeviceJob

# Of the noise of sampling: the last bit of a logarithm and a cosine, for numbers up to 6.77.
NOISE_TOLERANCE = 2e-6
# Of a net's output in float32, whose sums a device makes in an order of its own.
OUTPUT_TOLERANCE = 1e-3
MANY_TRAININGS = 1000


def try_devices(device: str) -> list[Finding]:
    """Compute a little on each device of this machine, as a worker would, and say what was measured.

    Args:
        device: `auto`, `cpu`, `cuda` for every GPU, or one such as `cuda:0`.

    Returns:
        Findings of each device; one that names the next command where there is no such device.
    """
    try:
        # The first of each device, with the threads that a worker of a study of many trainings has there.
        first = {slot.device: slot for slot in reversed(slots(device, None, work=MANY_TRAININGS))}
    except UsageError as error:
        next_command = f"{command('doctor', '--device', 'cpu')} tries the CPU, and needs no GPU."
        return [Finding(f"device {device}", f"{error.what}: {error.why}", next_command)]
    return [finding for name in sorted(first) for finding in _try(first[name])]


def _try(slot: Slot) -> list[Finding]:
    device = slot.device
    child = Child(device=device, threads=slot.threads)
    try:
        ready = child.start()
        assert ready is not None
        outcome = child.run(CheckDeviceJob(), on_message=lambda _: None, on_poll=lambda: False)
    finally:
        child.close()
    made = _hardware(device, ready)
    if not isinstance(outcome, DeviceChecked):
        reason = getattr(outcome, "reason", "").splitlines() or ["no reason was given"]
        return [made, Finding(f"training on {device}", reason[0], "Report it, with the output of SWEEP_DEBUG=1.")]
    return [made, *_comparisons(device, outcome), *_speed(device, outcome)]


def _hardware(device: str, ready: Ready) -> Finding:
    environment = ready.environment
    versions = environment["versions"]
    assert isinstance(versions, dict)
    torch = f"torch {versions['torch']}"
    if device == "cpu":
        threads = quantity(int(str(environment["threads"])), "thread")
        return Finding("device cpu", f"{environment['cpu']}, {threads}, {torch}")
    driver = driver_version() or "of unknown version"
    return Finding(
        f"device {device}", f"{environment['gpu']}, driver {driver}, {torch} with CUDA {environment['cuda']}"
    )


def _comparisons(device: str, checked: DeviceChecked) -> list[Finding]:
    """Whether the device computes what the CPU does."""
    noise = (
        f"{checked.equal_noise:.2%} of its numbers equal those of the CPU, the rest to {checked.noise_difference:.0e}"
    )
    if checked.equal_noise == 1.0:
        noise = "equal to that of the CPU in every bit"
    output = "its output equals that of the CPU in every bit, in fp32"
    if checked.output_difference:
        output = f"its output equals that of the CPU to {checked.output_difference:.0e}, in fp32"
    report = "Report it: scores of this device do not compare with those of others."
    return [
        Finding(f"noise on {device}", noise, "" if checked.noise_difference < NOISE_TOLERANCE else report),
        Finding(f"net on {device}", output, "" if checked.output_difference < OUTPUT_TOLERANCE else report),
    ]


def _speed(device: str, checked: DeviceChecked) -> list[Finding]:
    share = checked.flops_per_second / checked.ceiling_flops_per_second
    speed = (
        f"{checked.images_per_second:,.0f} images/s of {checked.example}: "
        f"{_flops(checked.flops_per_second)}, {share:.0%} of the "
        f"{_flops(checked.ceiling_flops_per_second)} that a matrix product reaches"
    )
    findings = [Finding(f"training on {device}", speed), _memory(device, checked)]
    if device == "cpu":
        return findings
    step = Finding(f"step on {device}", "launched as one CUDA graph")
    if not checked.is_captured:
        state = f"launched kernel by kernel: {checked.capture_reason}"
        step = Finding(step.what, state, "Trainings are right, but slower. Report the reason.")
    return [step, *findings, _mps(device)]


def _flops(per_second: float) -> str:
    return f"{per_second / 1e12:.3g} TFLOP/s" if per_second >= 1e12 else f"{per_second / 1e9:.3g} GFLOP/s"


def _memory(device: str, checked: DeviceChecked) -> Finding:
    memory: DeviceMemory | None = memory_of_machine() if device == "cpu" else gpu(device)[1]
    state = f"{bytes_text(checked.peak_bytes)} for a worker of {checked.example}"
    if memory is not None:
        fit = max_that_fit(memory, live=0, peak_bytes=checked.peak_bytes, device=device)
        state += f"; {fit} fit in the {bytes_text(memory.free)} that are free"
        state += f" ({cores()} cores)" if device == "cpu" else ""
    return Finding(f"memory of {device}", state)


def _mps(device: str) -> Finding:
    """Whether several workers can use a GPU at the same time."""
    if not has_mps():
        return Finding(f"MPS on {device}", "not installed: several workers on this GPU take turns")
    pipes = Path(os.environ.get("CUDA_MPS_PIPE_DIRECTORY", "/tmp/nvidia-mps"))  # noqa: S108 - NVIDIA's default
    if (pipes / "control").exists():
        return Finding(f"MPS on {device}", "runs: several workers use this GPU at the same time")
    return Finding(
        f"MPS on {device}", f"installed, and does not run: several workers take turns until `{MPS} -d` starts it"
    )
