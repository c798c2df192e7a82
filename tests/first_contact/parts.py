"""What is run on a machine with a GPU that nobody has tried before, most valuable first."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

TESTS = "tests/gpu"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One thing that is run, in a process of its own.

    Attributes:
        name: What it is called in the file of results.
        seconds: Its share of the time.
        command: What is run; empty where it needs a GPU and there is none.
    """

    name: str
    seconds: float
    command: tuple[str, ...]


def parts(results: Path, folder: Path, *, has_gpu: bool, cores: int) -> list[Part]:
    """All parts. Without a GPU each is the smallest that shows that it works, or none.

    Args:
        results: File of JSON lines that the parts add to.
        folder: Folder for other files.
        has_gpu: Whether torch can use one here.
        cores: CPU cores, all of which scoring and the peers may use on a GPU machine.
    """

    def benchmark(name: str, seconds: float, *arguments: str, without: bool = True) -> Part:
        device = ["gpu", "--threads", str(cores)] if has_gpu else ["cpu", "--quick"]
        # Nets of a GPU are not trained on a CPU: its quick form has a net of its own.
        chosen = [*arguments] if has_gpu else _without_case(arguments)
        command = ["-m", "tests.benchmarks", *device, "--only", *chosen]
        files = ["--json", str(folder / "benchmarks.json"), "--lines", str(results), "--part", name]
        is_run = has_gpu or without
        return Part(name=name, seconds=seconds, command=(sys.executable, *command, *files) if is_run else ())

    lines = ["--lines", str(results), "--part"]
    tests = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    plugin = ["-p", "tests.first_contact.pytest_lines", *lines, TESTS, TESTS]
    study = [sys.executable, "-m", "tests.first_contact.small_study", "cuda" if has_gpu else "cpu", *lines]
    ho, gray = ("--case", "ho_cifar10"), ("--case", "unet_28")
    return [
        Part(name=TESTS, seconds=70, command=(*tests, *plugin) if has_gpu else ()),
        benchmark("training alone", 25, "training", *ho, "--alone"),
        benchmark("training beside peers", 100, "training", *ho),
        benchmark("sampling", 40, "sampling", *ho),
        benchmark("scoring", 60, "scoring"),
        benchmark("sweep", 80, "sweep"),
        benchmark("packing", 45, "packing"),
        Part(name="study", seconds=40, command=(*study, "study")),
        benchmark("memory", 40, "memory", without=False),
        benchmark("unet_28", 60, "training", "sampling", *gray, without=False),
    ]


def _without_case(arguments: tuple[str, ...]) -> list[str]:
    kept = list(arguments)
    if "--case" in kept:
        at = kept.index("--case")
        del kept[at : at + 2]
    return kept
