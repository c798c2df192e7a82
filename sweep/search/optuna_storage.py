"""Where Optuna keeps what it was told: tables of its own in the database of ours."""

from __future__ import annotations

from typing import Any

import optuna
from sqlalchemy.engine import URL

from sweep.store.transaction import Store


def storage_url(store: Store) -> str:
    """The store's URL with its password, for Optuna alone: never print it."""
    url: URL = store.engine.url
    # Optuna formats the URL once more: braces in a password must survive it.
    return url.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}")


def open_storage(url: str) -> optuna.storages.RDBStorage:
    """Optuna's tables in our database."""
    return optuna.storages.RDBStorage(url, engine_kwargs=_engine_kwargs(url))


def _engine_kwargs(url: str) -> dict[str, Any]:
    if url.startswith("sqlite"):
        return {"connect_args": {"timeout": 60}}
    # No prepared statements, for the poolers' sake, as with our own engine.
    return {"pool_pre_ping": True, "connect_args": {"options": "-c timezone=UTC", "prepare_threshold": None}}
