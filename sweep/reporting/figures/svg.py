"""Figures as SVG that a page can show in its light and its dark form, and as PDF for a paper.

The same figure gives the same bytes each time. An image in a page cannot take the colours of the page's style, but its
own style may ask for the reader's colour scheme, and repaints the colours of `style.py`.
"""

from __future__ import annotations

import io
import re

import matplotlib as mpl
from matplotlib.figure import Figure

from sweep.reporting.figures.style import BAND, COLOURS, FAINT, GRID, INK

# Each colour of a light page and the one that stands for it on a dark page, of contrast 4.5 or more.
DARK = {
    INK: "#e6edf3",
    FAINT: "#9198a1",
    GRID: "#2a313a",
    BAND: "#1d242d",
    **dict(zip(COLOURS, ("#58b4f0", "#ff8f4d", "#3ddbab", "#e59ac6", "#8fd0f5", "#f0b84d"), strict=True)),
}
_REPAINTED = "".join(
    f"[style*='{part}: {light.lower()}']{{{part}:{dark}!important}}"
    for light, dark in DARK.items()
    for part in ("fill", "stroke")
)
_DARK_STYLE = f"<style>@media (prefers-color-scheme: dark) {{{_REPAINTED}}}</style>"


def svg_of(figure: Figure) -> str:
    """A figure as SVG on a transparent ground.

    Args:
        figure: The drawn figure.

    Returns:
        The text of the image: letters are outlines, so that no font is asked for.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "sweep", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    head, tag, body = buffer.getvalue().partition("<svg ")
    attributes, end, rest = body.partition(">")
    # The head names a DTD in the network, which no reader needs.
    return re.sub(r"<!DOCTYPE[^>]*>\s*", "", head) + tag + attributes + end + _DARK_STYLE + rest


def pdf_of(figure: Figure) -> bytes:
    """A figure as PDF on a transparent ground, for `\\includegraphics`.

    Args:
        figure: The drawn figure.
    """
    buffer = io.BytesIO()
    with mpl.rc_context({"pdf.fonttype": 42}):
        figure.savefig(buffer, format="pdf", transparent=True, metadata={"CreationDate": None, "Producer": None})
    return buffer.getvalue()
