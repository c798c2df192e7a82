"""The pages of the documentation, which come with the package as Markdown files."""

from __future__ import annotations

from pathlib import Path

from sweep.errors import UnknownName
from sweep.similar_names import nearest

_FOLDER = Path(__file__).parent


def titles() -> dict[str, str]:
    """Name of each page, as `page` takes it -> its title."""
    return {path.stem: _title(path) for path in sorted(_FOLDER.glob("*.md"))}


def page(name: str) -> str:
    """The text of a page, in Markdown.

    Args:
        name: As in `titles`, e.g. designs.

    Raises:
        UnknownName: There is no such page.
    """
    names = titles()
    if name not in names:
        near = nearest(name, names)
        raise UnknownName("page", name, names, next="sweep docs" if near is None else f"sweep docs {near}")
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8").rstrip()


def _title(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ").strip()
