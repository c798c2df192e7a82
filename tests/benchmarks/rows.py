"""What is measured, one row each: the one table that is printed, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tests.benchmarks.machine import Machine
from tests.helpers.json_lines import append_line


@dataclass(frozen=True)
class Ratio:
    """How many times better ours is than the peer, over pairs of blocks run one after the other."""

    median: float
    least: float
    most: float
    pairs: int

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Ratio:
        return cls(median(ratios), min(ratios), max(ratios), len(ratios))

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}-{self.most:.2f})"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    measure: str
    case: str
    unit: str
    ours: float | None = None
    peer: str = ""
    theirs: float | None = None
    ratio: Ratio | None = None
    floor: float | None = None
    """What this machine cannot beat, in the row's unit; None where there is no such number."""
    goal: str = ""
    note: str = ""
    detail: dict[str, float] = field(default_factory=dict)


COLUMNS = ("measure", "case", "unit", "ours", "peer", "peer's", "ratio", "floor", "goal", "note")


def lines(rows: Iterable[Row]) -> list[str]:
    """The table as text, columns aligned."""
    cells = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(COLUMNS))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else str(row.ratio)
    numbers = [_shown(number) for number in (row.ours, row.theirs, row.floor)]
    return (row.measure, row.case, row.unit, numbers[0], row.peer, numbers[1], ratio, numbers[2], row.goal, row.note)


def _shown(number: float | None) -> str:
    return "" if number is None else f"{number:.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def write(path: Path, machine: Machine, rows: Iterable[Row]) -> None:
    """Machine and rows as JSON."""
    told = {"machine": asdict(machine), "rows": [asdict(row) for row in rows]}
    path.write_text(json.dumps(told, indent=1) + "\n")


def append(path: Path, row: Row, *, part: str) -> None:
    """Add a row to a file of JSON lines, as what was measured in a part."""
    append_line(path, {"part": part, "state": "measured", "row": asdict(row)})


def read_row(told: Mapping[str, Any]) -> Row:
    """A row that was written as JSON."""
    ratio = told["ratio"]
    return Row(**{**told, "ratio": None if ratio is None else Ratio(**ratio)})
