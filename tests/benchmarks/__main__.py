"""`python -m tests.benchmarks cpu` or `gpu`: a table for each part, of ours, the peers, the floor and the ratios."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

from sweep.worker.memory import keep_freed_memory
from tests.benchmarks import command, packing, sampling, scoring, sweeps, training
from tests.benchmarks.machine import Machine, describe
from tests.benchmarks.rows import Row, append, lines, write

PARTS = ("training", "memory", "sampling", "scoring", "sweep", "packing", "command")
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
    for part in options.only or _usual_parts(options):
        started, before = time.perf_counter(), len(rows)
        try:
            for row in _measured(part, machine, device, options):
                _save(row, rows, machine, options)
        except Exception as error:
            traceback.print_exc()
            why = str(error).partition("\n")[0]
            row = Row(measure=part, case="", unit="", note=f"failed: {type(error).__name__}: {why}")
            _save(row, rows, machine, options)
            failed = True
        print(f"{part}: {time.perf_counter() - started:.0f} s", file=sys.stderr, flush=True)
        print("\n".join(lines(rows[before:])), flush=True)
    if failed:
        raise SystemExit(1)


def _save(row: Row, rows: list[Row], machine: Machine, options: argparse.Namespace) -> None:
    """The moment that it exists: what comes after may end the process."""
    rows.append(row)
    write(options.json, machine, rows)
    if options.lines is not None:
        append(options.lines, row, part=options.part)


def _usual_parts(options: argparse.Namespace) -> tuple[str, ...]:
    if options.device == "gpu":
        return ON_GPU
    return tuple(part for part in PARTS if not (options.quick and part in ("memory", "packing")))


def _measured(part: str, machine: Machine, device: torch.device, options: argparse.Namespace) -> Iterator[Row]:
    quick, names = options.quick, options.case or ()
    match part:
        case "training":
            compiles = options.compile or (device.type == "cuda" and not quick)
            yield from training.measure(
                machine, device, quick=quick, compiles=compiles, names=names, alone=options.alone
            )
        case "memory":
            yield from training.measure_memory(device, quick=quick, names=names)
        case "sampling":
            yield from sampling.measure(machine, device, quick=quick, names=names)
        case "scoring":
            with tempfile.TemporaryDirectory() as folder:
                yield from scoring.measure(device, Path(folder), quick=quick)
        case "sweep":
            yield from sweeps.measure(device, quick=quick)
        case "packing":
            yield from packing.measure(device, quick=quick)
        case _:
            yield from command.measure(quick=quick)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("device", choices=("cpu", "gpu"))
    parser.add_argument("--quick", action="store_true", help="The smallest form of each: shows that it works.")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"))
    parser.add_argument("--lines", type=Path, help="A file that each row is added to as a line of JSON.")
    parser.add_argument("--part", default="", help="Name of the part in these lines.")
    parser.add_argument("--threads", type=int, default=1, help="Of ours and the peers; a worker of a sweep has one.")
    parser.add_argument("--compile", action="store_true", help="On a CPU too, the peer's net: about a minute each.")
    parser.add_argument("--only", nargs="+", choices=PARTS)
    parser.add_argument("--case", nargs="+", help="Names of the nets that are trained and sampled; all without it.")
    parser.add_argument("--alone", action="store_true", help="Training without the peers.")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
