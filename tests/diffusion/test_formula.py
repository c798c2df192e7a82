from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.diffusion.formula import evaluate, sigmoid
from sweep.errors import UsageError

U = np.array([0.25, 0.5, 1.0])


@pytest.mark.parametrize(
    ("formula", "at_half"),
    [
        ("u", 0.5),
        ("-u + 2", 1.5),
        ("+u / 4", 0.125),
        ("2 ** -u", 2**-0.5),
        ("cos(pi * u) ** 2", math.cos(math.pi / 2) ** 2),
        ("sigmoid(0)", 0.5),
        ("exp(log(u)) - sqrt(u) * sin(u) + tanh(u)", 0.5 - 0.5**0.5 * math.sin(0.5) + math.tanh(0.5)),
    ],
)
def test_values(formula: str, at_half: float) -> None:
    value = evaluate(formula, U)
    assert value.shape == U.shape
    assert value.dtype == np.float64
    assert value[1] == pytest.approx(at_half, rel=1e-14)


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os').system('true')",
        "u.__class__",
        "().__class__.__bases__",
        "(lambda: 1)()",
        "[u for _ in (1,)]",
        "exp",
        "exp(u, u)",
        "exp(x=u)",
        "eval('1')",
        "t / 10",
        "u if u else 1",
        "u > 1",
        "u // 2",
        "True",
        "1j",
        "'u'",
        "f'{u}'",
        "u; u",
        "exp(*u)",
        "",
        "u +",
        "(u := 2)",
    ],
)
def test_everything_else_is_refused(formula: str) -> None:
    with pytest.raises(UsageError, match="formula"):
        evaluate(formula, U)


def test_long_formulas_are_refused_before_they_are_parsed() -> None:
    with pytest.raises(UsageError, match="characters"):
        evaluate("(" * 400 + "u" + ")" * 400, U)


@settings(max_examples=60)
@given(st.text(max_size=40))
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert evaluate(text, U).shape == U.shape


def test_powers_are_floats_at_once() -> None:
    assert np.isinf(evaluate("9**9**9**9**9", U)).all()


def test_sigmoid_far_out() -> None:
    assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
