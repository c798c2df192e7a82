"""Tables that LaTeX takes: every cell stays a cell, groups are closed, and no table is wider than the line.

The tables of whole reports were compiled by pdflatex (TeX Live 2022) once; here their form is checked, without one.
"""

from __future__ import annotations

import re

import pandas as pd
import pytest

from sweep.reporting.render.latex import latex_text, to_latex

HOSTILE = r"50 % of {a_b} & \input{x} #1 $x$ ~ ^ < > ± ▼ 10⁻⁵ ü"
UNESCAPED = r"(?<!\\)(?:\\\\)*"


def body(tex: str) -> list[str]:
    return tex[tex.index(r"\midrule") + 8 : tex.index(r"\bottomrule")].strip().splitlines()


@pytest.mark.parametrize("text", [HOSTILE, "\\", "a\\\\b", "}{", "[1]", "*", "tab\tbell\a"])
def test_no_text_ends_a_cell_or_opens_a_group(text: str) -> None:
    tex = to_latex(pd.DataFrame({"Arm": [text, "b"], text: ["c", text]}), caption=text, label="x")
    assert tex.isascii()
    assert [len(re.findall(UNESCAPED + "&", row)) for row in body(tex)] == [1, 1]
    assert len(re.findall(UNESCAPED + r"\{", tex)) == len(re.findall(UNESCAPED + r"\}", tex))


def test_what_a_row_begins_with_is_no_option_of_the_row_before() -> None:
    """`\\\\ [1]` is an illegal unit of measure, and `\\\\ *` loses the star."""
    tex = to_latex(pd.DataFrame({"Arm": ["a", "[1]", "*"], "Mean": ["1", "2\n[3]", "4"]}), caption="c", label="x")
    assert [row.lstrip()[0] for row in body(tex)] == ["a", "{", "{"]
    assert r"}2 \\ {[}3]\end{tabular}" in tex


def test_a_number_and_its_interval_stand_above_each_other() -> None:
    tex = to_latex(pd.DataFrame({"Arm": ["a"], "Difference": ["−1.0 %\n(−2 to 0)"]}), caption="c", label="x")
    assert body(tex) == [r"a & \begin{tabular}[t]{@{}l@{}}$-$1.0 \% \\ ($-$2 to 0)\end{tabular} \\"]


def test_a_table_is_made_as_wide_as_the_line_at_most() -> None:
    tex = to_latex(pd.DataFrame({"Arm": ["a"]}), caption="c", label="x")
    fitted = tex[tex.index(r"\resizebox") : tex.index(r"\end{table}")]
    assert fitted.startswith(r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%")
    assert fitted.index(r"\begin{tabular}") < fitted.index(r"\end{tabular}") < fitted.rindex("}")
    assert tex.startswith(r"% Needs \usepackage{booktabs} and \usepackage{graphicx}.")


def test_a_line_may_end_within_a_hash_and_nowhere_else() -> None:
    assert latex_text("ab" * 32).split(r"\allowbreak{}") == ["abababab"] * 8
    assert latex_text("facade of schedule=cosine") == "facade of schedule=cosine"
