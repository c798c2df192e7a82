"""`sweep doctor --device` tries a device as a worker would, and says what it measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sweep.api import device_check
from sweep.api.device_check import try_devices
from sweep.api.finding import Finding
from sweep.store.states import FailureClass
from sweep.worker.messages import DeviceChecked, Failed, Outcome, Ready
from tests.helpers.cuda import FakeDriver, install, install_nvml

VERSIONS = {"torch": "2.15.0"}
ENVIRONMENT = {"gpu": "NVIDIA H200", "cpu": "a CPU", "cuda": "13.2", "threads": 4, "versions": VERSIONS}
CHECKED = DeviceChecked(
    equal_noise=0.999,
    noise_difference=4.8e-7,
    output_difference=2e-6,
    is_captured=True,
    capture_reason="",
    example="unet_28, batch 128, bf16",
    images_per_second=20_000.0,
    flops_per_second=200e12,
    ceiling_flops_per_second=800e12,
    peak_bytes=4 * 10**9,
)


class PlayedProcess:
    """A trial process on a GPU that this machine does not have."""

    outcome: Outcome = CHECKED

    def __init__(self, *, device: str, threads: int) -> None:
        self.device = device

    def start(self) -> Ready:
        return Ready(self.device, dict(ENVIRONMENT))

    def run(self, job: object, **_: Any) -> Outcome:
        return self.outcome

    def close(self) -> None:
        pass


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, FakeDriver(("NVIDIA H200", "NVIDIA H200")))
    install_nvml(monkeypatch, None)
    monkeypatch.setattr(device_check, "Child", PlayedProcess)
    monkeypatch.setattr(device_check, "has_mps", lambda: False)


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.what: finding for finding in findings}


@pytest.mark.usefixtures("two_gpus")
def test_every_gpu_is_tried_and_described() -> None:
    findings = by_name(try_devices("cuda"))
    assert {"device cuda:0", "device cuda:1"} <= findings.keys()
    assert "NVIDIA H200" in findings["device cuda:1"].state
    assert "torch 2.15.0 with CUDA 13.2" in findings["device cuda:1"].state
    assert "99.90% of its numbers" in findings["noise on cuda:0"].state
    assert "20,000 images/s" in findings["training on cuda:0"].state
    assert "200 TFLOP/s, 25% of the 800 TFLOP/s" in findings["training on cuda:0"].state
    assert findings["step on cuda:0"].state == "launched as one CUDA graph"
    assert "take turns" in findings["MPS on cuda:0"].state
    assert not any(finding.repair for finding in findings.values())
    assert by_name(try_devices("cuda:1")).keys() == {name for name in findings if "cuda:1" in name}


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("outcome", "what", "says"),
    [
        (replace(CHECKED, noise_difference=0.1), "noise on cuda:0", "to 1e-01"),
        (replace(CHECKED, output_difference=0.02), "net on cuda:0", "to 2e-02"),
        (replace(CHECKED, is_captured=False, capture_reason="no stream"), "step on cuda:0", "kernel: no stream"),
        (Failed(FailureClass.INFRA, "CUDA error: out of memory\nmore"), "training on cuda:0", "out of memory"),
    ],
)
def test_what_is_wrong_has_a_next_step(monkeypatch: pytest.MonkeyPatch, outcome: Outcome, what: str, says: str) -> None:
    monkeypatch.setattr(PlayedProcess, "outcome", outcome)
    findings = by_name(try_devices("cuda:0"))
    assert says in findings[what].state
    assert [name for name, finding in findings.items() if finding.repair] == [what]


def test_without_a_gpu_it_says_so_with_the_next_command(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, None)
    (finding,) = try_devices("cuda")
    assert finding.state.startswith("this machine has no CUDA GPU: The CUDA driver")
    assert finding.repair.startswith("sweep doctor --device cpu")


@pytest.mark.slow  # a trial process, and a training
def test_a_cpu_is_tried_in_a_process_of_its_own() -> None:
    findings = by_name(try_devices("cpu"))
    assert findings.keys() == {"device cpu", "noise on cpu", "net on cpu", "training on cpu", "memory of cpu"}
    assert findings["noise on cpu"].state == "equal to that of the CPU in every bit"
    assert "images/s of unet_8" in findings["training on cpu"].state
    assert not any(finding.repair for finding in findings.values())
