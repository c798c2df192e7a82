"""What a section shows, as values: a piece of HTML, a table with its file, a figure with its text and data.

Sections return blocks; `show_blocks` displays them in the notebook and writes their files beside it. All HTML comes
from the templates, which escape every value: a study may have any name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from sweep.reporting.figures.style import NARROW, WIDE, fix_layout
from sweep.reporting.figures.svg import pdf_of, svg_of
from sweep.reporting.frames.study_ref import report_folder
from sweep.reporting.render.csv_file import write_csv
from sweep.reporting.render.latex import to_latex
from sweep.reporting.render.templates import fragment


@dataclass(frozen=True)
class Html:
    """Escaped HTML."""

    html: str


@dataclass(frozen=True)
class Document:
    """Text for the page, and the same as LaTeX for tables/NAME.tex."""

    name: str
    html: str
    tex: str


@dataclass(frozen=True)
class Table:
    """A table: as shown, and as tidy data for tables/NAME.csv and tables/NAME.tex."""

    name: str
    html: str
    data: pd.DataFrame
    tex: pd.DataFrame | None = None
    """As printed; `data` where None."""
    caption: str = ""


@dataclass(frozen=True)
class FigureBlock:
    """A figure, drawn for wide and narrow screens: a sentence with its numbers, its caption, and the data it draws."""

    name: str
    svg: str
    narrow_svg: str
    pdf: bytes
    """The wide one, for a paper."""
    alt: str
    caption: str
    data: pd.DataFrame


Block = Html | Document | Table | FigureBlock


class Drawing(Protocol):
    """Draws a figure at some width in inches."""

    def __call__(self, *, width: float) -> Figure: ...


def note(text: str, *, kind: str = "note") -> Html:
    """A paragraph.

    Args:
        text: The paragraph; it is escaped.
        kind: `note`, `warning` or `caption`.
    """
    return Html(fragment("note.html.j2", text=text, kind=kind))


def figure_block(name: str, draw: Drawing, *, alt: str, caption: str, data: pd.DataFrame) -> FigureBlock:
    """A figure with its text. The same figure gives the same bytes each time.

    Args:
        name: Name of the figure and of its files.
        draw: Draws the figure.
        alt: Its numbers in sentences, for readers who do not see it.
        caption: Text below the figure.
        data: The numbers that it draws, for figures/NAME.csv.
    """
    wide, narrow = draw(width=WIDE), draw(width=NARROW)
    fix_layout(wide)
    fix_layout(narrow)
    return FigureBlock(
        name=name, svg=svg_of(wide), narrow_svg=svg_of(narrow), pdf=pdf_of(wide), alt=alt, caption=caption, data=data
    )


def show_blocks(blocks: Sequence[Block]) -> None:
    """Display blocks in a notebook, and write their files into the folder of the report.

    Args:
        blocks: The blocks of a section, in their order.
    """
    for block in blocks:
        write_files(block, report_folder())
        for data, metadata in display_bundles(block):
            display(data, raw=True, metadata=metadata)


Bundle = tuple[dict[str, str], dict[str, Any]]
"""What a notebook shows, by MIME type, and its metadata."""


def display_bundles(block: Block) -> list[Bundle]:
    """A block as a notebook shows it; a figure is followed by its caption.

    Args:
        block: The block.
    """
    if not isinstance(block, FigureBlock):
        return [({"text/html": block.html, "text/plain": ""}, {})]
    caption = fragment("note.html.j2", text=block.caption, kind="caption")
    shown = {"image/svg+xml": block.svg, "text/plain": block.alt}
    metadata = {"image/svg+xml": {"alt": block.alt, "narrow": block.narrow_svg}}
    return [(shown, metadata), ({"text/html": caption, "text/plain": ""}, {})]


def write_files(block: Block, folder: Path) -> None:
    """Write the files of a block: tables/NAME.csv and .tex, or figures/NAME.svg, .pdf and .csv; of a document .tex.

    Args:
        block: The block; one of HTML has no file.
        folder: Folder of the report.
    """
    if isinstance(block, Table):
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        write_csv(block.data, folder / "tables" / f"{block.name}.csv")
        tex = to_latex(block.tex if block.tex is not None else block.data, caption=block.caption, label=block.name)
        (folder / "tables" / f"{block.name}.tex").write_text(tex, encoding="utf-8")
    elif isinstance(block, Document):
        (folder / "tables").mkdir(parents=True, exist_ok=True)
        (folder / "tables" / f"{block.name}.tex").write_text(block.tex, encoding="utf-8")
    elif isinstance(block, FigureBlock):
        (folder / "figures").mkdir(parents=True, exist_ok=True)
        (folder / "figures" / f"{block.name}.svg").write_text(block.svg, encoding="utf-8")
        (folder / "figures" / f"{block.name}.pdf").write_bytes(block.pdf)
        write_csv(block.data, folder / "figures" / f"{block.name}.csv")
