"""The tables: the truth of what happened. Optuna advises from them and has none.

    study --< revision                 what was asked, each accepted version of the file
    study --< arm --< cell >-- run     an arm is a difference from the baseline; a cell is one replicate of an arm
    run --< metric                     curves
    run --< score --< measurement      one evaluation of a run; FID, KID, ... for each noise set and over all
    study --< trial_change             a cell that was over changed; how often tells workers to read anew
    cell >--< score  (reading)         which scores of its run a study asked for, and by which name
    run, score --< attempt >-- worker  who tried, under which fencing token, on what machine, how it ended
    run, score --< artifact            files: checkpoints, weights, features, sample grids
    event                              everything worth telling, append-only
    store_identity                     one row: the UUID by which files of this store are known

Runs and scores are work: `state` moves one way, and only under the fencing `token` of a live lease.

    run     planned -> training -> trained | pruned | infeasible | failed | cancelled
    score   planned -> scoring  -> complete | failed | cancelled

A run with rungs is trained in segments: it pauses (planned again, `reached_step` = `until_step`) until the search has
looked at its score there and lets it go on, or prunes it. A lost lease returns the work by being claimed again; its
last checkpoint is kept. Stale is not a state: it is a lease whose time is over by the database's clock. A run is shared
by all studies that ask for its train key.
"""

from __future__ import annotations

from sweep.store.sql.history_tables import ARTIFACT, ATTEMPT, EVENT, METRIC, WORKER, AttemptColumns
from sweep.store.sql.metadata import METADATA
from sweep.store.sql.study_tables import ARM, CELL, REVISION, STORE_IDENTITY, STUDY, TRIAL_CHANGE
from sweep.store.sql.work_tables import MEASUREMENT, RUN, SCORE, SCORE_REQUEST, WorkColumns

__all__ = [
    "ARM",
    "ARTIFACT",
    "ATTEMPT",
    "CELL",
    "EVENT",
    "MEASUREMENT",
    "METADATA",
    "METRIC",
    "REVISION",
    "RUN",
    "SCORE",
    "SCORE_REQUEST",
    "STORE_IDENTITY",
    "STUDY",
    "TRIAL_CHANGE",
    "WORKER",
    "AttemptColumns",
    "WorkColumns",
]
