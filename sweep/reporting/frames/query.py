"""Rows of the store as a frame."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sqlalchemy import Engine, Select

from sweep.store.sql.transaction import read_transaction


def frame_of(engine: Engine, query: Select[*tuple[Any, ...]]) -> pd.DataFrame:
    """All rows of a query.

    Args:
        engine: Connection to the store.
        query: The query; its labels become the names of the columns.
    """
    with read_transaction(engine) as connection:
        rows = connection.execute(query)
        return pd.DataFrame(rows.fetchall(), columns=list(rows.keys()))
