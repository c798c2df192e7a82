"""Hints for SQLite's planner: it knows no more of a table than its indexes, and takes every one to name ten rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class unindexed(FunctionElement[int]):
    """An integer column that is compared only once other conditions have found the row.

    PostgreSQL counts its rows, so there it is the column itself.
    """

    type = Integer()
    inherit_cache = True


@compiles(unindexed)
def _itself(element: FunctionElement[Any], compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(unindexed, "sqlite")
def _no_index(element: FunctionElement[Any], compiler: Any, **options: Any) -> str:
    # The documented way: https://www.sqlite.org/optoverview.html, "unary plus".
    return f"+{compiler.process(element.clauses, **options)}"
