"""The page of all reports in a folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sweep.report.templates import TEMPLATES, fragment

SUMMARY = "summary.json"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One report in a few lines, as in its summary.json."""

    study: str
    question: str
    verdict: str
    """better | worse | no difference | undecided"""
    sentence: str
    basis: str
    done: int
    """Cells with a score that counts."""
    planned: int
    data_as_of: str
    """Newest moment that the store told of the study, ISO 8601; empty if none."""

    def as_dict(self) -> dict[str, object]:
        """As written."""
        return asdict(self)


def write_index(folder: Path) -> Path:
    """Write folder/index.html from the summaries of the reports in its subfolders, by name."""
    summaries = []
    for file in sorted(folder.glob(f"*/{SUMMARY}")):
        if (file.parent / "report.html").is_file():
            told = Summary(**json.loads(file.read_text(encoding="utf-8")))
            summaries.append((f"{file.parent.name}/report.html", told))
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    path = folder / "index.html"
    path.write_text(fragment("index.html.j2", summaries=summaries, style=style), encoding="utf-8")
    return path
