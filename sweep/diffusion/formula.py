"""A written formula in u, read with `ast` against a list of what is allowed; nothing is ever executed as Python."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sweep.errors import UsageError
from sweep.limits import MAX_FORMULA

Array = NDArray[np.float64]

# Decimal numbers, names, operators and brackets: no text, no list, no comparison, and no number in another base.
_CHARACTERS = re.compile(r"[A-Za-z0-9_.+\-*/()\s]*")
_OTHER_NUMBER = re.compile(r"(?<![A-Za-z_])[0-9][0-9_.]*(?![eE][-+]?[0-9])[A-Za-z]")


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), float64, elementwise."""
    with np.errstate(over="ignore"):
        return np.asarray(1.0 / (1.0 + np.exp(-z)), dtype=np.float64)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
}

BINARY: dict[type[ast.operator], Callable[[Array, Array], Array]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}

UNARY: dict[type[ast.unaryop], Callable[[Array], Array]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}

GRAMMAR = f"numbers, u, pi, + - * / **, brackets and {', '.join(FUNCTIONS)}"


def evaluate(formula: str, u: Array) -> Array:
    """Value of `formula` at every element of `u`.

    Args:
        formula: Made of what `GRAMMAR` lists, at most `MAX_FORMULA` characters.
        u: Any shape.

    Returns:
        float64, shape of `u`. May hold inf or NaN where the formula does; the caller judges.

    Raises:
        UsageError: The formula does not parse, or uses something that is not in `GRAMMAR`.

    Example:
        >>> import numpy as np
        >>> evaluate("1 - u**2", np.array([0.0, 0.5, 1.0])).tolist()
        [1.0, 0.75, 0.0]
    """
    if len(formula) > MAX_FORMULA:
        raise UsageError(
            f"The formula has {len(formula)} characters; at most {MAX_FORMULA} are read.",
            next="List the T betas instead.",
        )
    try:
        tree = ast.parse(_checked(formula.strip()), mode="eval")
        with np.errstate(all="ignore"):
            value = _value(tree.body, u)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        why = str(error.msg) if isinstance(error, SyntaxError) else "It is nested too deeply, or cannot be read."
        raise UsageError(f"`{formula}` is not a formula.", why=why, next=f"Use {GRAMMAR}.") from None
    return np.broadcast_to(value, u.shape).astype(np.float64)


def _checked(text: str) -> str:
    """The text, if it has only what a formula is made of: what Python's parser warns of never reaches it."""
    if _CHARACTERS.fullmatch(text) is None:
        raise SyntaxError("It has a character that no formula has.")
    if other := _OTHER_NUMBER.search(text):
        raise SyntaxError(f"{other[0]} is no decimal number.")
    return text


def _value(node: ast.expr, u: Array) -> Array:
    match node:
        # bool is an int to Python; True in a formula is a mistake.
        case ast.Constant(value=float() | int() as number) if not isinstance(number, bool):
            # Everything is float64 before it meets an operator: 9**9**9 is inf at once, not a week of work.
            return np.asarray(number, dtype=np.float64)
        case ast.Name(id="u"):
            return u
        case ast.Name(id="pi"):
            return np.asarray(np.pi)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return BINARY[type(op)](_value(left, u), _value(right, u))
        case ast.UnaryOp(op=unary, operand=operand) if type(unary) in UNARY:
            return UNARY[type(unary)](_value(operand, u))
        case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](_value(argument, u))
    raise UsageError(f"`{ast.unparse(node)}` is not allowed in a formula.", next=f"Use {GRAMMAR}.")
