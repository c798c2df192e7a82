"""The page of all reports in a folder."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from sweep.reporting.formatting import decimals_for, number, percent
from sweep.reporting.render.templates import TEMPLATES, fragment
from sweep.statistics.verdicts import Verdict

SUMMARY = "summary.json"
INDEX = "index.html"
MARKS = ('<meta name="generator" content="ddpm-sweep">', "<title>Reports</title>")
"""One is in every index that we wrote, the second in those of 0.1.0."""
# The index itself, in any spelling that a file system may take for it, and names that are devices to Windows.
_RESERVED = re.compile(r"index\.html|(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?|.*\.", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One report in a few lines, as in its summary.json."""

    __pydantic_config__ = ConfigDict(extra="ignore", strict=True)

    study: str
    question: str
    verdict: Verdict
    sentence: str
    basis: str
    done: int
    """Cells with a score that counts."""
    planned: int
    data_as_of: str
    """Newest moment that the store told of the study, ISO 8601; empty if none."""
    arm: str = ""
    """What the sentence is about, as its difference from the baseline; empty where there is none, and in summaries of
    0.1.0, which lack this field and all below."""
    score: str = ""
    """Name of the deciding score."""
    difference: float | None = None
    """Of the arm from the baseline, units of the score."""
    low: float | None = None
    high: float | None = None
    """Its interval, which holds for all arms at once."""
    baseline_mean: float | None = None
    seeds: int = 0
    """Paired seeds."""

    @property
    def effect(self) -> str:
        """The difference in percent of the baseline's mean and its interval, e.g. `-12 % (-20 % to -3.8 %)`.

        Empty where it is not known.
        """
        if self.difference is None or not self.baseline_mean:
            return ""
        text = percent(self.difference / self.baseline_mean, signed=True)
        if self.low is None or self.high is None:
            return f"{text} (no interval)"
        low, high = (percent(bound / self.baseline_mean, signed=True) for bound in (self.low, self.high))
        return f"{text} ({low} to {high})"

    @property
    def effect_in_units(self) -> str:
        """The same in units of the score, e.g. `-0.459 (-0.746 to -0.143) FCD`."""
        if self.difference is None:
            return ""
        interval = [bound for bound in (self.low, self.high) if bound is not None]
        decimals = decimals_for((interval[1] - interval[0]) / 4 if len(interval) == 2 else abs(self.difference) / 10)
        bounds = " to ".join(number(bound, decimals, signed=True) for bound in interval)
        return f"{number(self.difference, decimals, signed=True)}{f' ({bounds})' if bounds else ''} {self.score}"

    def as_dict(self) -> dict[str, object]:
        """As written."""
        return asdict(self)


def folder_name(study: str) -> str:
    """The folder of a study's report among those of others: its name, unless the index or the system has that one.

    Args:
        study: The study, with its comparison.
    """
    return f"{study}-report" if _RESERVED.fullmatch(study) else study


def read_summary(file: Path) -> Summary | None:
    """One report in a few lines; None where the file is no summary of ours.

    Args:
        file: A file called summary.json.
    """
    try:
        return TypeAdapter(Summary).validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def write_index(folder: Path) -> Path | None:
    """Write folder/index.html from the summaries of the reports in its subfolders, by name.

    Files that are no summaries of ours are passed over.

    Args:
        folder: The folder that holds the folders of the reports.

    Returns:
        The page; None where another one has its name, which is left alone.

    Raises:
        OSError: It cannot be written.
    """
    path = folder / INDEX
    if path.exists() and not _is_ours(path):
        return None
    read = [(file.parent, read_summary(file)) for file in sorted(folder.glob(f"*/{SUMMARY}"))]
    summaries = [
        (f"{parent.name}/report.html", summary)
        for parent, summary in read
        if summary is not None and (parent / "report.html").is_file()
    ]
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    path.write_text(fragment("index.html.j2", summaries=summaries, style=style), encoding="utf-8")
    return path


def _is_ours(path: Path) -> bool:
    return path.is_file() and any(mark in path.read_text(encoding="utf-8", errors="replace") for mark in MARKS)
