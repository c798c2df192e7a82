"""The study of the demo, launched as a user launches it, and its report.

    python -m tests.first_contact.small_study cuda --lines FILE

On a CPU it is a smaller one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from sweep.executors.devices import cores
from tests.benchmarks.rows import Row, append

STUDY = "studies/digits.yaml"
SMALLER = ("baseline.images=640", "seeds=1", "protocol.n=64", "protocol.noise_sets=1", "baseline.sampling_steps=2")


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.first_contact.small_study")
    parser.add_argument("device", choices=("cpu", "cuda"))
    parser.add_argument("--lines", type=Path, required=True)
    parser.add_argument("--part", default="")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        changes = [word for change in SMALLER for word in ("-s", change)] if options.device == "cpu" else []
        seconds = _run(folder, "launch", STUDY, "--device", options.device, *changes)
        row = Row(measure="study: launch", case="digits", unit="s", ours=seconds, note=_attempts(folder))
        append(options.lines, row, part=options.part)
        out = folder / "report"
        seconds = _run(folder, "report", "digits", "--out", str(out))
        pages = list(out.rglob("report.html"))
        assert len(pages) == 1, f"no report under {sorted(out.rglob('*'))}"
        row = Row(measure="study: report", case=f"{cores()} cores", unit="s", ours=seconds)
        append(options.lines, row, part=options.part)


def _run(folder: Path, *arguments: str) -> float:
    environment = {"SWEEP_STORAGE": f"sqlite:///{folder / 'sweep.db'}", "SWEEP_FILES": str(folder / "files")}
    started = time.perf_counter()
    ran = subprocess.run([sys.executable, "-m", "sweep", *arguments], env=os.environ | environment, check=False)
    if ran.returncode:
        raise SystemExit(f"sweep {arguments[0]} ended with exit status {ran.returncode}")
    return time.perf_counter() - started


def _attempts(folder: Path) -> str:
    """How the attempts ended, and whether their steps were launched as CUDA graphs."""
    query = "SELECT end_reason AS ended, execution, count(*) AS attempts FROM attempt GROUP BY end_reason, execution"
    counts = pd.read_sql(query, f"sqlite:///{folder / 'sweep.db'}")
    return ", ".join(f"{row.attempts} {row.ended} ({row.execution or 'CPU'})" for row in counts.itertuples())


if __name__ == "__main__":
    main(sys.argv[1:])
