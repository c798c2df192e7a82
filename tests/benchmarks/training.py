"""Images a second in training, share of the ceiling, and peak memory, beside the peers on equal nets."""

from __future__ import annotations

import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import torch

from sweep.nets.memory_format import channels_last
from sweep.training.interfaces import RunContext
from sweep.training.trainer import Training
from tests.benchmarks.cases import Case, cases
from tests.benchmarks.machine import Machine
from tests.benchmarks.pairs import Block, alternate, rate, ratio
from tests.benchmarks.rows import Ratio, Row

Step = Callable[[], object]
SCRIPT_GOALS = {"ho_cifar10": ">= 2x", "unet_28": ">= 4x"}


def ours(case: Case, device: torch.device, folder: Path) -> Training:
    place = RunContext(folder=folder, attempt="1", device=device, channels_last=channels_last(case.config.net.kind))
    return Training(case.config, case.dataset(), place)


def measure(
    machine: Machine,
    device: torch.device,
    *,
    quick: bool,
    compiles: bool,
    names: Sequence[str] = (),
    alone: bool = False,
) -> Iterator[Row]:
    for case in cases(device, quick=quick, names=names):
        with tempfile.TemporaryDirectory() as folder:
            rounds = 1 if quick else 4
            yield from throughput(case, machine, device, Path(folder), rounds=rounds, compiles=compiles, alone=alone)


def measure_memory(device: torch.device, *, quick: bool, names: Sequence[str] = ()) -> Iterator[Row]:
    chosen = cases(device, quick=quick, names=names)
    for case in chosen if device.type == "cuda" else chosen[-1:]:
        yield from _memory(case, device)


def throughput(
    case: Case,
    machine: Machine,
    device: torch.device,
    folder: Path,
    *,
    rounds: int,
    compiles: bool,
    alone: bool = False,
) -> list[Row]:
    """Ours beside every peer; `alone` it is measured without them."""
    training = ours(case, device, folder)
    peers, missing = ({}, {}) if alone else _peers(case, device, folder, compiles=compiles)
    blocks = {"ours": _repeat(training.advance, case.steps)} | peers
    spent = alternate(blocks, device, rounds=rounds)
    images, flops = case.steps * case.batch, case.flops(backward=True)
    best, mine = machine.ceilings[case.precision], rate(images, spent["ours"])
    rows = [
        Row(
            measure="training",
            case=f"{case.name}, {case.precision}, batch {case.batch}",
            unit="images/s",
            ours=mine,
            peer=name,
            theirs=rate(images, spent[name]),
            ratio=ratio(spent["ours"], spent[name]),
            floor=best / flops,
            goal=_goal(name, case, device),
        )
        for name in peers
    ]
    rows += [
        Row(measure="training", case=case.name, unit="images/s", ours=mine, peer=name, note=why)
        for name, why in missing.items()
    ]
    rows.append(
        Row(
            measure="training",
            case=f"{case.name}, {case.precision}, batch {case.batch}",
            unit="TFLOP/s",
            ours=mine * flops / 1e12,
            floor=best / 1e12,
            note=f"{mine * flops / best:.1%} of the ceiling",
            goal=">= 40 % of it" if case.name == "ho_cifar10" else "",
        )
    )
    return rows


def _goal(peer: str, case: Case, device: torch.device) -> str:
    if not peer.startswith("diffusers"):
        return ""
    if device.type == "cpu":
        return ">= 1.15x"
    return SCRIPT_GOALS[case.name] if peer.endswith("script") else ">= 1.3x" if case.name == "ho_cifar10" else ""


def _peers(
    case: Case, device: torch.device, folder: Path, *, compiles: bool
) -> tuple[dict[str, Block], dict[str, str]]:
    """A block of every peer that is here, and why the others are not."""
    found: dict[str, Block] = {}
    missing: dict[str, str] = {}
    try:
        from tests.benchmarks.diffusers_peer import Script, Tuned
    except ImportError as error:
        missing["diffusers"] = f"not installed: {error.name}"
    else:
        script = Script(case, device)
        found["diffusers, as its script"] = _repeat(script.step, case.steps)
        tuned = Tuned(case, device, compiled=compiles)
        found["diffusers, all switches" if compiles else "diffusers, all but compile"] = _repeat(tuned.step, case.steps)
    try:
        from tests.benchmarks.lucidrains_peer import Lucidrains
    except ImportError as error:
        missing["denoising-diffusion-pytorch"] = f"not installed: {error.name}"
    else:
        (folder / "pictures").mkdir()
        trainer = Lucidrains(case, folder / "pictures")
        share = trainer.flops / case.flops(backward=True)
        found[f"denoising-diffusion-pytorch, its own net ({share:.2g} of our FLOPs)"] = partial(
            trainer.promote, case.steps
        )
    return found, missing


def _repeat(step: Step, steps: int) -> Block:
    def block() -> None:
        for _ in range(steps):
            step()

    return block


def _memory(case: Case, device: torch.device) -> Iterator[Row]:
    """Peak of a process that does nothing else: what a few steps add to what stood before them."""
    mine, theirs = (_in_process(who, case, device) for who in ("ours", "diffusers"))
    assert mine is not None
    for kind, bytes_of_ours in mine.items():
        other = None if theirs is None else theirs[kind]
        yield Row(
            measure=f"peak memory, {kind}",
            case=f"{case.name}, {case.precision}, batch {case.batch}",
            unit="MB",
            ours=bytes_of_ours / 1e6,
            peer="diffusers, as its script",
            theirs=None if other is None else other / 1e6,
            ratio=None if other is None else Ratio.of([other / bytes_of_ours]),
            note="not installed: diffusers" if theirs is None else "",
        )


def _in_process(who: str, case: Case, device: torch.device) -> dict[str, float] | None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(peak, (who, case, device.type, torch.get_num_threads()))


def peak(who: str, case: Case, device_type: str, threads: int) -> dict[str, float] | None:
    """Bytes that net, optimizer and six steps need, by the kind of memory; None where the peer is missing.

    On a GPU `allocated` is what tensors take, and `reserved` what nobody else can use: torch keeps what it was given.
    """
    torch.set_num_threads(threads)
    device = torch.device(device_type)
    with tempfile.TemporaryDirectory() as folder:
        before = _resident("VmRSS")
        _forget_peak()
        if who == "ours":
            step: Step = ours(case, device, Path(folder)).advance
        else:
            try:
                from tests.benchmarks.diffusers_peer import Script
            except ImportError:
                return None
            before = _resident("VmRSS")  # what a library takes by being loaded is not its net's
            _forget_peak()
            step = Script(case, device).step
        for _ in range(6):
            step()
        if device.type == "cuda":
            return {
                "allocated": float(torch.cuda.max_memory_allocated(device)),
                "reserved": float(torch.cuda.max_memory_reserved(device)),
            }
        return {"resident": _resident("VmHWM") - before}


def _forget_peak() -> None:
    # 5: the kernel starts VmHWM, the most this process ever had, again from what it has now (proc(5)). Where that is
    # forbidden, as in some containers, the peak is that since the process began.
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _resident(line: str) -> float:
    """Bytes of this process, by the line of /proc/self/status."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024.0 * next(float(told.split()[1]) for told in lines if told.startswith(line))
