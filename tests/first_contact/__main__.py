"""`make gpu`: whether all of it works on this GPU, and how fast, in one command of eight minutes.

Each result is a line of JSON in a file the moment that it exists. A second call continues with what is missing. A part
that fails is a line that says so, and the exit status is then 1.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from sweep.worker.machine import environment
from tests.benchmarks.rows import lines, read_row
from tests.first_contact.parts import Part, parts
from tests.helpers.json_lines import append_line, read_lines

DONE, FAILED, NOT_REACHED, NEEDS_A_GPU = "done", "failed", "not reached", "needs a GPU"
END_SECONDS = 5.0


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.first_contact", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/gpu"), help="Folder of results.jsonl and log.txt.")
    parser.add_argument("--seconds", type=float, default=480.0, help="Time for all parts.")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    results = options.out / "results.jsonl"
    has_gpu = torch.cuda.is_available()
    machine = environment(torch.device("cuda" if has_gpu else "cpu"))
    where = {"device": machine["gpu"] or machine["cpu"], "source": machine["source"]}
    if not read_lines(results):
        append_line(results, {"part": "machine", "state": "measured", "machine": machine})
    chosen = parts(results, options.out, has_gpu=has_gpu, cores=len(os.sched_getaffinity(0)))
    ends = run(chosen, results, options.out / "log.txt", where=where, seconds=options.seconds)
    raise SystemExit(summary(chosen, ends, results))


def run(
    chosen: Sequence[Part], results: Path, log: Path, *, where: dict[str, object], seconds: float
) -> dict[str, dict[str, object]]:
    """Run the parts that did not end well here before, and return how every part ended.

    Those that failed come last, so that none of them keeps the others from being reached. A part may take its share,
    and what nobody else needs.

    Args:
        chosen: All parts.
        results: File of JSON lines.
        log: File that what they print is added to.
        where: Device and source code; results of others do not count.
        seconds: Time for all parts.
    """
    ends = {line["part"]: line for line in read_lines(results) if line.get("where") == where}
    missing = [part for part in chosen if ends.get(part.name, {}).get("state") not in (DONE, NEEDS_A_GPU)]
    missing.sort(key=lambda part: ends.get(part.name, {}).get("state") == FAILED)
    deadline = time.monotonic() + seconds
    for place, part in enumerate(missing):
        left = deadline - time.monotonic()
        others = sum(other.seconds for other in missing[place + 1 :] if other.command)
        started = time.monotonic()
        if not part.command:
            state, note = NEEDS_A_GPU, "there is none here"
        elif left < part.seconds:
            state, note = NOT_REACHED, "call again"
        else:
            print(f"{part.name} ...", flush=True)
            state, note = _run_part(part, log, max(part.seconds, left - others - END_SECONDS))
        ends[part.name] = {
            "part": part.name,
            "state": state,
            "note": note,
            "seconds": round(time.monotonic() - started, 1),
            "where": where,
        }
        append_line(results, ends[part.name])
        print(f"{part.name}: {state}{f': {note}' if note else ''}", flush=True)
    return ends


def _run_part(part: Part, log: Path, at_most: float) -> tuple[str, str]:
    """Its state and a note. Whatever it started is gone at the end."""
    with log.open("ab+") as printed:
        printed.write(f"\n== {part.name}: {' '.join(part.command)}\n".encode())
        printed.flush()
        begun = printed.tell()
        process = subprocess.Popen(part.command, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            status = process.wait(at_most)
        except subprocess.TimeoutExpired:
            return FAILED, f"it took longer than {at_most:.0f} s"
        finally:
            _end_group(process)
        printed.seek(begun)
        words = printed.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(words) if line.strip()), "")
    return (DONE, "") if status == 0 else (FAILED, f"exit status {status}: {last[:300]}")


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End a part with its workers: SIGTERM, and five seconds later SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def summary(chosen: Sequence[Part], ends: dict[str, dict[str, object]], results: Path) -> int:
    """Print what was measured and how each part ended; the exit status."""
    rows = [read_row(line["row"]) for line in read_lines(results) if "row" in line]
    print("\n".join(["", *lines(rows), ""]))
    for part in chosen:
        end = ends[part.name]
        print(f"{part.name:<24}{end['state']:<14}{end['seconds']:>6} s  {end['note']}")
    states = [ends[part.name]["state"] for part in chosen]
    print(f"\n{results}: {states.count(DONE)} of {len(states)} parts done")
    if NOT_REACHED in states:
        print(f"{states.count(NOT_REACHED)} not reached: call again")
    return 1 if FAILED in states else 0


if __name__ == "__main__":
    main(sys.argv[1:])
