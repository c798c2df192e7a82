"""`python -m tests.benchmarks cpu` or `gpu`: a table for each part, of ours, the peers, the floor and the ratios."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

import torch

from sweep.worker.memory import keep_freed_memory
from tests.benchmarks import command, sampling, scoring, sweeps, training
from tests.benchmarks.machine import Machine, describe
from tests.benchmarks.rows import Row, lines, write

PARTS = ("training", "sampling", "scoring", "sweep", "command")
ON_GPU = PARTS[:-1]


def main(arguments: list[str]) -> None:
    options = _parsed(arguments)
    warnings.simplefilter("ignore")  # those of the peers
    torch.set_num_threads(options.threads)
    keep_freed_memory()  # as our trial processes do; here it is the peers' gain too
    device = torch.device("cuda" if options.device == "gpu" else "cpu")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("there is no CUDA GPU here; use: python -m tests.benchmarks cpu")
    machine = describe(device, quick=options.quick)
    print(f"{machine.name}, {machine.cores} cores, {machine.threads} threads, torch {machine.versions['torch']}")
    rows: list[Row] = []
    failed = False
    for part in options.only or (PARTS if options.device == "cpu" else ON_GPU):
        started = time.perf_counter()
        try:
            measured = _measured(part, machine, device, options)
        except Exception as error:
            traceback.print_exc()
            measured = [Row(measure=part, case="", unit="", note=f"failed: {type(error).__name__}: {error}")]
            failed = True
        rows += measured
        write(options.json, machine, rows)
        print("\n".join(lines(measured)), flush=True)
        print(f"{part}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
    if failed:
        raise SystemExit(1)


def _measured(part: str, machine: Machine, device: torch.device, options: argparse.Namespace) -> list[Row]:
    quick = options.quick
    match part:
        case "training":
            compiles = options.compile or (device.type == "cuda" and not quick)
            return training.measure(machine, device, quick=quick, compiles=compiles)
        case "sampling":
            return sampling.measure(machine, device, quick=quick)
        case "scoring":
            with tempfile.TemporaryDirectory() as folder:
                return scoring.measure(device, Path(folder), quick=quick)
        case "sweep":
            return sweeps.measure(device, quick=quick)
    return command.measure(quick=quick)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("device", choices=("cpu", "gpu"))
    parser.add_argument("--quick", action="store_true", help="The smallest form of each: shows that it works.")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    parser.add_argument("--threads", type=int, default=1, help="Of ours and the peers; a worker of a sweep has one.")
    parser.add_argument("--compile", action="store_true", help="On a CPU too, the peer's net: about a minute each.")
    parser.add_argument("--only", nargs="+", choices=PARTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
