"""Stores whose answers are known: studies that the store's own verbs register, plan, train, score and exclude.

Only what a net would find is replaced, by draws from stated distributions. So whatever a report reads here is
written as a worker writes it, in the words of the store.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from sweep.config.keys import sha256_of, train_key
from sweep.store import (
    Store,
    add_cells,
    claim,
    exclude,
    fail,
    finish_score,
    finish_training,
    progress,
    register_study,
    register_worker,
)
from sweep.store.records import ArmRecord, ArtifactRecord, Claim, ScoreResult
from tests.helpers.report_draws import DrawnCell, drawn
from tests.helpers.report_specs import VERSIONS, StoreSpec

Told = dict[tuple[str, int], float]
"""(arm, replicate) -> FID of the primary evaluation, mean over noise sets."""


def fill(store: Store, spec: StoreSpec, files: Path, *, pieces: int | None = None) -> Told:
    """Register a study and work through it; of one that is there already, what is new is a revision of it.

    Args:
        store: Where it goes. Work that another study of it has done is not done again.
        spec: What to register, and what its work finds.
        files: Folder of the store's files.
        pieces: Trainings and scores to do, in the order in which a worker takes them: the scores of a run at once,
            low replicates first. All where None.

    Returns:
        The FIDs that were scored by this call.
    """
    study_id = registered(store, spec)
    cells = list(drawn(spec))
    told: Told = {}
    left = 10**9 if pieces is None else pieces
    for number, worker in enumerate(spec.workers):
        register_worker(store, worker)
        mine = [each for each in cells if each.cell.replicate % len(spec.workers) == number]
        ids = add_cells(store, study_id, [each.cell for each in mine])
        known = {train_key(each.cell.train_config): each for each in mine}
        assert len(known) == len(mine), "arms with equal trainings share their runs: plant a difference"
        while left and (claimed := claim(store, study_id, worker.id)) is not None:
            told |= work(store, claimed, known[train_key(claimed.train_config)], spec, files)
            left -= 1
        for cell_id, each in zip(ids, mine, strict=True):
            if left and each.excluded is not None:
                exclude(store, cell_id, each.excluded)
    return told


def registered(store: Store, spec: StoreSpec) -> int:
    """The id of the study, without any cell of it."""
    arms = [ArmRecord(arm.name, arm.changes, is_baseline=not arm.changes) for arm in spec.arms]
    record = register_study(
        store,
        spec.name,
        question=spec.question,
        spec=spec.file,
        spec_sha256=sha256_of(spec.file),
        arms=arms,
        protocol=spec.protocol,
        versions=VERSIONS,
        reason="launched",
        accept_change=True,
    )
    return record.id


def work(store: Store, claimed: Claim, cell: DrawnCell, spec: StoreSpec, files: Path) -> Told:
    """Do one piece of work; the FID, if this was the score that decides."""
    if claimed.kind == "train":
        _train(store, claimed, cell, spec)
        return {}
    assert claimed.eval_config is not None
    measured = cell.scores[claimed.eval_config]
    primary = claimed.eval_config == cell.cell.score_requests[0].eval_config
    result = ScoreResult(
        measurements=measured,
        artifacts=_grids(claimed, spec, files) if primary and spec.grids else (),
        samples_sha256="c" * 64,
        sampling_seconds=0.4 * claimed.eval_config.sampling_steps,
        features_seconds=3.0,
        statistics_seconds=1.0,
        execution=spec.execution,
    )
    finish_score(store, claimed, result)
    found = {(each.name, each.noise_set): each.value for each in measured if primary}
    return {(cell.cell.arm_name, cell.cell.replicate): found["fid", -1]} if ("fid", -1) in found else {}


def _train(store: Store, claimed: Claim, cell: DrawnCell, spec: StoreSpec) -> None:
    steps = claimed.train_config.steps
    step = steps if cell.failed is None else steps // 2
    points = list(cell.points(spec.curves_from))
    images = step * claimed.train_config.batch
    progress(store, claimed, step=step, images=images, points=points, execution=spec.execution)
    if cell.failed is None:
        weights = ArtifactRecord("weights", f"runs/{claimed.run_id}/{claimed.token}.pt", "b" * 64, 10, steps)
        finish_training(store, claimed, weights=weights, parameters=cell.parameters, seconds=cell.seconds)
    else:
        state, failure, reason = cell.failed
        fail(store, claimed, failure, reason, final=True, state=state, seconds=cell.seconds)


def _grids(claimed: Claim, spec: StoreSpec, files: Path) -> list[ArtifactRecord]:
    """A sheet of 8 x 8 images of 8 x 8 pixels for each noise set."""
    saved = []
    for noise_set in spec.protocol.noise_sets:
        random = np.random.default_rng((claimed.run_id, noise_set))
        buffer = io.BytesIO()
        Image.fromarray(random.integers(0, 255, size=(64, 64), dtype=np.uint8)).save(buffer, format="png")
        content, path = buffer.getvalue(), f"runs/{claimed.run_id}/{claimed.score_id}/set{noise_set}-grid.png"
        (files / path).parent.mkdir(parents=True, exist_ok=True)
        (files / path).write_bytes(content)
        saved.append(ArtifactRecord("grid", path, hashlib.sha256(content).hexdigest(), len(content), noise_set))
    return saved
