"""Rows of tests/golden, each with the source of its value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parents[1] / "golden"


def rows(name: str) -> list[dict[str, Any]]:
    """Rows of a golden file; the string "inf" becomes infinity."""
    read: list[dict[str, Any]] = json.loads((GOLDEN / name).read_text())
    for row in read:
        assert row["source"], row
        row["value"] = float(row["value"])
    return read
