"""The studies that come with the package, as YAML files: in a wheel beside this module, in a checkout in `studies/`."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path

from sweep.errors import UsageError

_HERE = Path(__file__).parent
_CHECKOUT = _HERE.parents[1] / "studies"
_QUESTION = re.compile(r"^question: *[\"']?(.*?)[\"']?$", re.MULTILINE)


def questions() -> dict[str, str]:
    """Name of each study, as `text` takes it (`digits`, `real/optimizers`), -> the question that it asks."""
    return {name: _question(path) for name, path in sorted(_files().items())}


def text(name: str) -> str:
    """The study file of a name, in YAML.

    Args:
        name: As in `questions`, e.g. `small/chain-length`.

    Raises:
        UsageError: There is no such study.
    """
    files = _files()
    if name not in files:
        near = get_close_matches(name, files, n=1, cutoff=0.5)
        raise UsageError(
            f"there is no study {name!r} in the package",
            why=f"Did you mean {near[0]!r}?" if near else "Its name is none of those that `sweep studies` lists.",
            next=f"sweep studies copy {near[0]}" if near else "sweep studies",
        )
    return files[name].read_text(encoding="utf-8")


def _files() -> dict[str, Path]:
    folder = _HERE if any(_HERE.glob("*.yaml")) else _CHECKOUT
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.yaml")}


def _question(path: Path) -> str:
    question = _QUESTION.search(path.read_text(encoding="utf-8"))
    return question[1] if question else ""
