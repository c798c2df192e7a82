"""The store as tidy pandas frames. Reads the tables of `store.schema` alone; computes nothing but labels.

arms      arm_id, arm (name), changes (dict), says (text), is_baseline; baseline first, then as planned
cells     one row a replicate of an arm: cell_id, arm_id, arm, is_baseline, phase, replicate, trial_number, revision,
          excluded_reason, run_id, run_state, seed, step, steps, images, parameters, train_seconds, micro_batches,
          crashes, failure, failure_reason, alphas_bar_T, snr_1, snr_T, prior_bits_per_dim, config (TrainConfig),
          score_state, score_failure; status (done | failed | excluded | pruned | missing), reason, diverged (failed
          because training, sampling or score was not finite)
scores    one row a cell, evaluation level and metric: cell_id, arm_id, arm, phase, replicate, run_id, score_id, level
          (dict), evaluation_level (text), is_primary, eval_config, metric, value (mean over noise sets),
          standard_error, noise_values and noise_errors ({noise set: number}), sampling_seconds, features_seconds,
          statistics_seconds
rungs     scores by cheaper protocols and on the way (see `scores.rung_scores_of`); none of them is in `scores`
curves    arm_id, arm, replicate, run_id, name, step, images, value (NaN where it was not finite)
attempts  run_id, score_id, worker_id, device, started_at, ended_at, end_reason, detail, device_workers (at once on its
          device, itself included; above 1 its timings are of a shared one), peak_bytes, execution,
          execution_reason
workers   worker_id, host, device, environment (dict); those that worked on this study
grids     arm_id, replicate, path, sha256: PNG sheets of the primary scores
decisions at, kind (revision, exclude, rerun), message, detail (dict, with `known_scores`); oldest first
shared_runs  arm_id, arm, is_baseline, study, runs: runs of an arm that another study of the store reads, too
same_question  name, scores: other studies of the store that ask the same, with their number of deciding scores

Times are UTC; `*_seconds` are seconds of work, summed over attempts. Loading 5,000 runs takes a few seconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Engine, and_, func, select

from sweep.reporting.formatting import changes_in_words
from sweep.reporting.frames.attempts import attempts_of, workers_of
from sweep.reporting.frames.cell_status import with_status
from sweep.reporting.frames.decisions import decisions_of, same_question_of
from sweep.reporting.frames.query import frame_of
from sweep.reporting.frames.scores import left_out_scores, requested_scores_of, rung_scores_of, scores_of
from sweep.reporting.frames.shared_runs import shared_runs_of
from sweep.reporting.frames.study_ref import StudyRef, find_study_ref
from sweep.store.sql.schedule_columns import UNKNOWN
from sweep.store.sql.schema import ARM, ARTIFACT, ATTEMPT, CELL, EVENT, METRIC, RUN, SCORE
from sweep.store.sql.transaction import read_transaction
from sweep.store.states import EventKind, Phase

REVISION_COLUMNS = ("number", "reason", "accepted_at", "spec_sha256", "protocol_key")
"""Columns of `revision` that are shown."""


@dataclass(frozen=True, kw_only=True)
class StudyFrames:
    """The tables of one study at one revision; the columns are listed at the top of this module."""

    study_ref: StudyRef
    name: str
    question: str
    state: str
    revision: int
    revisions: pd.DataFrame
    """number, reason, accepted_at, spec_sha256, protocol_key; oldest first, none after `revision`."""
    spec: Mapping[str, Any]
    """The study file, as accepted."""
    protocol: Mapping[str, Any]
    protocol_key: str
    versions: Mapping[str, Any]
    """Of the libraries that change numbers, when the revision was accepted."""
    data_as_of: datetime | None
    """Newest moment that the store tells of this study."""
    other_protocols: int
    """Scores of these cells' runs under protocols of earlier revisions; left out of `scores`."""
    boundaries: Mapping[str, Mapping[str, str]]
    """Arm -> {factor: low | high} of tuned values that lie at an end of what was tried."""
    arms: pd.DataFrame
    cells: pd.DataFrame
    scores: pd.DataFrame
    rungs: pd.DataFrame
    curves: pd.DataFrame
    attempts: pd.DataFrame
    workers: pd.DataFrame
    grids: pd.DataFrame
    decisions: pd.DataFrame
    shared_runs: pd.DataFrame
    same_question: pd.DataFrame

    def __str__(self) -> str:
        names = ("cells", "scores", "curves", "attempts")
        sizes = ", ".join(f"{name} {len(getattr(self, name)):,}" for name in names)
        return f"{self.name}, revision {self.revision}; rows: {sizes}"

    __repr__ = __str__

    @property
    def metric(self) -> str:
        """The score that decides."""
        return str(self.spec.get("metric", "fid"))

    @property
    def phase(self) -> str:
        """The phase that feeds the verdict: never search trials, unless there is nothing else to show."""
        return Phase.CONFIRM if self.cells.empty or (self.cells["phase"] == Phase.CONFIRM).any() else Phase.SEARCH


def load_frames(engine: Engine, name: str, *, as_of: int | None = None) -> StudyFrames:
    """Read one study.

    Args:
        engine: Connection to the store.
        name: Name of the study.
        as_of: Revision to read; None for the newest. Cells of later revisions and scores under other protocols are left
            out.

    Raises:
        UsageError: There is no such study.
        StoreError: The study has no such revision.
    """
    study = find_study_ref(engine, name, as_of)
    revisions = pd.DataFrame(study.revisions)[list(REVISION_COLUMNS)]
    accepted = study.revisions[-1]
    is_included = and_(CELL.c.study_id == study.id, CELL.c.revision <= int(accepted["number"]))
    arms = _arms(engine, study.id)
    requested = requested_scores_of(engine, is_included)
    current = requested[requested["protocol_key"] == accepted["protocol_key"]].drop(columns="protocol_key")
    scores = scores_of(engine, is_included, current)
    cells = with_status(_cells(engine, is_included), current, scores, str(accepted["spec"].get("metric", "fid")))
    if as_of is not None:
        arms = arms[arms["arm_id"].isin(cells["arm_id"]) | arms["is_baseline"]]
    named = arms[["arm_id", "arm", "is_baseline"]]
    return StudyFrames(
        study_ref=study,
        name=study.name,
        question=study.question,
        state=study.state,
        revision=int(accepted["number"]),
        revisions=revisions,
        spec=accepted["spec"],
        protocol=accepted["protocol"],
        protocol_key=accepted["protocol_key"],
        versions=accepted["versions"],
        data_as_of=_newest(engine, study.id, is_included, revisions),
        other_protocols=left_out_scores(engine, is_included, revisions["protocol_key"].tolist()),
        boundaries=_boundaries(engine, study.id),
        arms=arms.reset_index(drop=True),
        cells=_in_order(cells, named),
        scores=_in_order(scores, named),
        rungs=_in_order(rung_scores_of(engine, is_included), named),
        curves=_in_order(_curves(engine, is_included), named),
        attempts=attempts_of(engine, is_included),
        workers=workers_of(engine, is_included),
        grids=_in_order(_grids(engine, is_included, current), named),
        decisions=decisions_of(engine, study.id),
        shared_runs=_in_order(shared_runs_of(engine, study.id, is_included), named),
        same_question=same_question_of(engine, study.id, study.question, accepted["spec"]),
    )


def _arms(engine: Engine, study_id: int) -> pd.DataFrame:
    arms = frame_of(
        engine,
        select(ARM.c.id.label("arm_id"), ARM.c.name.label("arm"), ARM.c.changes, ARM.c.is_baseline)
        .where(ARM.c.study_id == study_id)
        .order_by(ARM.c.is_baseline.desc(), ARM.c.position, ARM.c.id),
    )
    arms = arms.astype({"is_baseline": bool})
    arms["says"] = [changes_in_words(changes) for changes in arms["changes"]]
    return arms


def _cells(engine: Engine, is_included: ColumnElement[bool]) -> pd.DataFrame:
    cells = frame_of(
        engine,
        select(
            *(CELL.c.id.label("cell_id"), CELL.c.arm_id, CELL.c.phase, CELL.c.replicate, CELL.c.trial_number),
            *(CELL.c.revision, CELL.c.excluded_reason, CELL.c.run_id, RUN.c.state.label("run_state"), RUN.c.seed),
            *(RUN.c.step, RUN.c.steps, RUN.c.images, RUN.c.parameters, RUN.c.seconds.label("train_seconds")),
            *(RUN.c.micro_batches, RUN.c.crashes, RUN.c.failure, RUN.c.failure_reason, RUN.c.alphas_bar_T),
            *(RUN.c.snr_1, RUN.c.snr_T, RUN.c.prior_bits_per_dim, RUN.c.config),
        )
        .join(RUN, RUN.c.id == CELL.c.run_id)
        .where(is_included),
    )
    # Before the first training has ended a database returns no number at all, which pandas takes for objects.
    cells = cells.astype({"parameters": float, "train_seconds": float})
    facts = ["alphas_bar_T", "snr_1", "snr_T", "prior_bits_per_dim"]
    return cells.assign(**cells[facts].mask(cells["alphas_bar_T"] == UNKNOWN))


def _curves(engine: Engine, is_included: ColumnElement[bool]) -> pd.DataFrame:
    # Search trials can be thousands; their curves are not drawn.
    curves = frame_of(
        engine,
        select(
            *(CELL.c.arm_id, CELL.c.replicate, METRIC.c.run_id, METRIC.c.name, METRIC.c.step, METRIC.c.images),
            METRIC.c.value,
        )
        .join(CELL, CELL.c.run_id == METRIC.c.run_id)
        .where(is_included, CELL.c.phase == Phase.CONFIRM)
        .order_by(METRIC.c.run_id, METRIC.c.name, METRIC.c.step),
    )
    return curves.astype({"value": float})


def _grids(engine: Engine, is_included: ColumnElement[bool], requested: pd.DataFrame) -> pd.DataFrame:
    primary = requested.loc[requested["is_primary"], ["arm_id", "replicate", "score_id"]]
    grids = frame_of(
        engine,
        select(ARTIFACT.c.score_id, ARTIFACT.c.path, ARTIFACT.c.sha256)
        .where(ARTIFACT.c.kind == "grid", ARTIFACT.c.run_id.in_(select(CELL.c.run_id).where(is_included)))
        .order_by(ARTIFACT.c.id),
    )
    return primary.merge(grids, on="score_id").drop(columns="score_id")


def _newest(
    engine: Engine, study_id: int, is_included: ColumnElement[bool], revisions: pd.DataFrame
) -> datetime | None:
    runs = select(CELL.c.run_id).where(is_included)
    moments: list[datetime | None] = [moment.to_pydatetime() for moment in revisions["accepted_at"]]
    newest = (
        select(func.max(RUN.c.finished_at)).where(RUN.c.id.in_(runs)),
        select(func.max(SCORE.c.finished_at)).where(SCORE.c.run_id.in_(runs)),
        select(func.max(ATTEMPT.c.ended_at)).where(ATTEMPT.c.run_id.in_(runs)),
        select(func.max(EVENT.c.at)).where(EVENT.c.study_id == study_id),
    )
    with read_transaction(engine) as connection:
        moments += [connection.scalar(query) for query in newest]
    return max((moment for moment in moments if moment is not None), default=None)


def _boundaries(engine: Engine, study_id: int) -> dict[str, dict[str, str]]:
    """Arm -> {factor: end}, from the newest event of each arm."""
    lines = frame_of(
        engine,
        select(EVENT.c.detail)
        .where(EVENT.c.study_id == study_id, EVENT.c.kind.in_((EventKind.TUNED, EventKind.CONFIRMED)))
        .order_by(EVENT.c.id),
    )
    boundaries = {detail["arm"]: detail.get("boundary") or {} for detail in lines["detail"] if "arm" in detail}
    return {arm: ends for arm, ends in boundaries.items() if ends}


def _in_order(frame: pd.DataFrame, named: pd.DataFrame) -> pd.DataFrame:
    """The frame with names of arms: baseline first, then arms as planned, then replicates, without later revisions."""
    rank = named.assign(rank=range(len(named)))
    keys = ["rank"] + [column for column in ("phase", "replicate") if column in frame]
    merged = frame.merge(rank, on="arm_id").sort_values(keys, kind="stable").drop(columns="rank")
    return merged.reset_index(drop=True)
