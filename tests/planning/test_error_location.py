"""A setting that makes no sense is shown where it was written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.errors import InfeasibleConfig
from sweep.planning.plan import read_study_plan

HEAD = "name: x\nquestion: y?\nbaseline:\n  data: digits\n  net: unet_8\n  T: 100\n"
WRONG = {
    "a listed level": ("schedule:\n    role: scientific\n    levels:\n      - linear\n      - jsd\n", 12, "=jsd"),
    "a named level": (
        "chain:\n    role: scientific\n    levels:\n      end: {zero_terminal_snr: true}\n",
        11,
        "arm `chain=end`",
    ),
    "the second factor of a pair": (
        "lr: {role: scientific, levels: [1e-3]}\n  schedule:\n    role: scientific\n    levels: [jsd]\n"
        "design: factorial\n",
        11,
        "arm `",
    ),
    "an evaluation level": (
        "sampling_steps:\n    role: evaluation\n    levels:\n      - 10\n      - 200\n",
        12,
        "200 sampling steps",
    ),
    "a formula that is none": (
        "schedule:\n    role: scientific\n    levels:\n      mine:\n        schedule: custom\n"
        "        schedule_formula: cos(u*pi/2)**\n",
        11,
        "arm `schedule=mine`: schedule_formula: `cos(u*pi/2)**` is not a formula",
    ),
    "a formula of what is not allowed": (
        "schedule:\n    role: scientific\n    levels:\n      mine: {schedule: custom, schedule_formula: tan(u)}\n",
        11,
        "arm `schedule=mine`: schedule_formula: `tan(u)` is not allowed in a formula",
    ),
    "a formula that makes no chain": (
        "schedule:\n    role: scientific\n    levels:\n      mine: {schedule: custom, schedule_formula: u}\n",
        11,
        "arm `schedule=mine`: schedule_formula: alphas_bar = u",
    ),
    "two arms alike": (
        "a: {role: scientific, levels: {one: {lr: 1e-3}}}\n  b: {role: scientific, levels: {two: {lr: 1e-3}}}\n",
        7,
        "are the same setting",  # of the factors: no design is written
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_the_line_is_that_of_the_level(case, tmp_path):
    text, line, says = WRONG[case]
    file = tmp_path / "study.yaml"
    file.write_text(HEAD + "factors:\n  " + text)
    refused_at(file, line, says)


def test_the_line_of_a_baseline_is_where_it_starts(tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(HEAD + "  schedule: jsd\n")
    refused_at(file, 3, "arm `baseline`")


def refused_at(file: Path, line: int | None, says: str) -> None:
    with pytest.raises(InfeasibleConfig) as caught:
        read_study_plan(file)
    assert says in caught.value.what
    place = caught.value.what.removeprefix(str(file)).partition(": ")[0]
    assert place == (f", line {line}" if line else "")
