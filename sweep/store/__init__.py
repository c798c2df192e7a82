"""The database of studies, runs and scores: what was asked, who did it, and what came out.

    store = open_store("sqlite:///sweep.db")
    study = register_study(store, "cosine", ...)      what is asked
    add_cells(store, study.id, cells)                 which runs and scores that takes
    claim -> progress -> finish_training              who did it, under a fencing token
    claim -> finish_score
    status(store, study.id)                           how far it is

Every verb is one transaction. It is tried again as a whole while the database is busy or away, and does the same when
it runs twice. Callers pass and receive records (`records.py`, `cell_records.py`, `status_records.py`), never rows.
Start with `sql/schema.py` for the tables and `queue/claim.py` for how work is handed out. It imports `config`, `files`
and `diffusion.facts`.
"""

from __future__ import annotations

from sweep.store.opening import open_existing, open_store, read_store
from sweep.store.queries.views import artifacts, cells, curves, run_config, status, trained_by
from sweep.store.queue.attempts import fail, release
from sweep.store.queue.claim import claim
from sweep.store.queue.completion import finish_score, finish_training
from sweep.store.queue.events import add_event, events
from sweep.store.queue.leases import MAX_CRASHES, MAX_LOST_WORKERS, TTL_SECONDS, heartbeat
from sweep.store.queue.progress import forget_artifact, progress, set_micro_batches
from sweep.store.queue.search_lease import advisor_lease, release_advisor, renew_advisor
from sweep.store.queue.workers import end_worker, expire_dead_local, register_worker, worker_seen
from sweep.store.sql.transaction import Store
from sweep.store.studies.arms import add_arms
from sweep.store.studies.cells import add_cells, add_search_cell
from sweep.store.studies.control import exclude, rerun, set_study_state
from sweep.store.studies.studies import register_study, studies, study

__all__ = [
    "MAX_CRASHES",
    "MAX_LOST_WORKERS",
    "TTL_SECONDS",
    "Store",
    "add_arms",
    "add_cells",
    "add_event",
    "add_search_cell",
    "advisor_lease",
    "artifacts",
    "cells",
    "claim",
    "curves",
    "end_worker",
    "events",
    "exclude",
    "expire_dead_local",
    "fail",
    "finish_score",
    "finish_training",
    "forget_artifact",
    "heartbeat",
    "open_existing",
    "open_store",
    "progress",
    "read_store",
    "register_study",
    "register_worker",
    "release",
    "release_advisor",
    "renew_advisor",
    "rerun",
    "run_config",
    "set_micro_batches",
    "set_study_state",
    "status",
    "studies",
    "study",
    "trained_by",
    "worker_seen",
]
