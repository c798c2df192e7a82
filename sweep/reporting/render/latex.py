"""Tables for papers: booktabs, every cell escaped, plain ASCII for pdflatex."""

from __future__ import annotations

import re

import pandas as pd

from sweep.printable import printable

PACKAGES = (
    r"% Needs \usepackage{booktabs} and \usepackage{graphicx}. A table wider than the line is made as wide as it."
)
FITTED = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
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
    # After the end of a row these would be its options.
    "[": "{[}",
    "*": "{*}",
}
RAISED, PLAIN = "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"


def to_latex(data: pd.DataFrame, *, caption: str, label: str) -> str:
    """A floating table of a frame's cells, never wider than the line. Lines of a cell stand above each other.

    Args:
        data: The cells; names of columns become headings.
        caption: Text of the caption; it is escaped.
        label: Name after `tab:`, for references.
    """
    shown = data.map(lambda cell: _cell(f"{cell:.4g}" if isinstance(cell, float) else str(cell)))
    shown.columns = pd.Index([latex_text(str(name).replace("_", " ")) for name in data.columns])
    tex: str = shown.style.hide(axis="index").to_latex(
        hrules=True, caption=latex_text(caption), label=f"tab:{label}", position_float="centering"
    )
    head, _, rest = tex.partition(r"\begin{tabular}")
    rows, _, tail = rest.rpartition(r"\end{tabular}")
    return f"{PACKAGES}\n{head}{FITTED}\n\\begin{{tabular}}{rows}\\end{{tabular}}%\n}}{tail}"


def _cell(text: str) -> str:
    lines = [latex_text(line) for line in text.split("\n")]
    stacked = r" \\ ".join(lines)
    return rf"\begin{{tabular}}[t]{{@{{}}l@{{}}}}{stacked}\end{{tabular}}" if len(lines) > 1 else stacked


def latex_text(text: str) -> str:
    """Text that LaTeX prints as it stands; signs outside ASCII that it has no command for become `?`. Lines may end
    within hashes, which are longer than most lines.

    Args:
        text: Any text.
    """
    escaped = "".join(SPECIAL.get(letter, letter) for letter in printable(text))
    escaped = re.sub(
        f"[{RAISED}]+", lambda power: f"$^{{{power[0].translate(str.maketrans(RAISED, PLAIN))}}}$", escaped
    )
    for sign, command in SIGNS.items():
        escaped = escaped.replace(sign, command)
    escaped = re.sub("[0-9a-f]{40,}", lambda name: r"\allowbreak{}".join(re.findall(".{1,8}", name[0])), escaped)
    return escaped.encode("ascii", "replace").decode()
