"""Tables for papers: booktabs, every cell escaped, plain ASCII for pdflatex."""

from __future__ import annotations

import re

import pandas as pd

from sweep.printable import printable

SIGNS = {
    "\N{MINUS SIGN}": "$-$",
    "\N{EN DASH}": "--",
    "±": r"$\pm$",
    "×": r"$\times$",
    "▲": r"$\bigtriangleup$",
    "▼": r"$\bigtriangledown$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "ᾱ": r"$\bar\alpha$",
    "\N{HORIZONTAL ELLIPSIS}": r"\dots{}",
}
SPECIAL = {letter: f"\\{letter}" for letter in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}
RAISED, PLAIN = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"


def to_latex(data: pd.DataFrame, *, caption: str, label: str) -> str:
    """A floating table of a frame's cells.

    Args:
        data: The cells; names of columns become headings.
        caption: Text of the caption; it is escaped.
        label: Name after `tab:`, for references.
    """
    shown = data.map(lambda cell: latex_text(f"{cell:.4g}" if isinstance(cell, float) else str(cell)))
    shown.columns = pd.Index([latex_text(str(name).replace("_", " ")) for name in data.columns])
    tex: str = shown.style.hide(axis="index").to_latex(
        hrules=True, caption=latex_text(caption), label=f"tab:{label}", position_float="centering"
    )
    return tex


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it stands; signs outside ASCII that it has no command for become `?`.

    Args:
        text: Any text.
    """
    escaped = "".join(SPECIAL.get(letter, letter) for letter in printable(text))
    escaped = re.sub(
        f"[{RAISED}]+", lambda power: f"$^{{{power[0].translate(str.maketrans(RAISED, PLAIN))}}}$", escaped
    )
    for sign, command in SIGNS.items():
        escaped = escaped.replace(sign, command)
    return escaped.encode("ascii", "replace").decode()
