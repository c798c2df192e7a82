"""The studies that come with the package, as YAML files: in a wheel beside this module, in a checkout in `studies/`."""

from __future__ import annotations

import re
from pathlib import Path

from sweep.errors import UnknownName
from sweep.similar_names import nearest

_PACKAGE = Path(__file__).parent
_CHECKOUT = _PACKAGE.parents[1] / "studies"
_QUESTION = re.compile(r"^question: *[\"']?(.*?)[\"']?$", re.MULTILINE)
_PLUGINS = re.compile(r"^plugins: \[(.*)\]$", re.MULTILINE)


def questions() -> dict[str, str]:
    """Name of each study, as `text` takes it (`digits`, `real/optimizers`), -> the question that it asks."""
    return {name: _question(path) for name, path in sorted(_files().items())}


def text(name: str) -> str:
    """The study file of a name, in YAML.

    Args:
        name: As in `questions`, e.g. `small/chain-length`.

    Raises:
        UnknownName: There is no such study.
    """
    files = _files()
    if name not in files:
        near = nearest(name, files)
        way_out = "sweep studies" if near is None else f"sweep studies copy {near}"
        raise UnknownName("study", name, files, where="in the package", next=way_out)
    return files[name].read_text(encoding="utf-8")


def plugins(name: str) -> dict[str, str]:
    """Name of each plugin file that a study names -> its Python text.

    Args:
        name: Of a study that is there, as in `questions`.
    """
    folder = _files()[name].parent
    named = _PLUGINS.search(text(name))
    return {file: (folder / file).read_text(encoding="utf-8") for file in named[1].split(", ")} if named else {}


def _files() -> dict[str, Path]:
    folder = _PACKAGE if any(_PACKAGE.glob("*.yaml")) else _CHECKOUT
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.yaml")}


def _question(path: Path) -> str:
    question = _QUESTION.search(path.read_text(encoding="utf-8"))
    return question[1] if question else ""
