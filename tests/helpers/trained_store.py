"""A study whose one run was really trained, for a few steps, and recorded by the store's verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sweep.config.starting_weights import StartingWeights
from sweep.config.study import Cadence, Study
from sweep.files.file_store import FileStore
from sweep.files.starting_weights import archive_weights, pinned
from sweep.store import claim, finish_score, finish_training, open_store
from sweep.store.records import Measurement, ScoreResult
from sweep.training.step_state import StepStateCache
from sweep.worker.jobs import train_run
from sweep.worker.orders import TrainJob
from tests.helpers.played_studies import launched, worker

BASELINE: dict[str, Any] = {
    "data": "digits",
    "net": {"preset": "unet_8", "channels": 8},
    "T": 50,
    "target": "v",
    "images": 64,
    "batch": 32,
    "ema_decay": 0.9,
    "sampler": "ddim",
    "sampling_steps": 5,
}


def trained_study(folder: Path, *, name: str = "small", **baseline: Any) -> Study:
    """Run 1 of study `small` in `folder`/sweep.db, its files in `folder`/files."""
    if "init_from" in baseline:
        weights = pinned(StartingWeights(path=str(baseline["init_from"])))
        archive_weights(FileStore(folder / "files"), weights)
        baseline["init_from"] = weights.model_dump()
    spec = {"name": name, "question": "Is it?", "seeds": 1, "baseline": BASELINE | baseline}
    study = Study.model_validate(spec)
    store = open_store(f"sqlite:///{folder}/sweep.db")
    record = launched(store, study)
    me = worker(store)
    while (claimed := claim(store, record.id, me)) is not None:
        if claimed.kind == "train":
            job = TrainJob(
                claimed.train_config,
                Cadence(),
                FileStore(folder / "files"),
                f"runs/{name}",
                attempt="1",
                checkpoints=(),
            )
            trained = train_run(job, torch.device("cpu"), StepStateCache(), lambda _: None, lambda: False)
            finish_training(store, claimed, weights=trained.weights, parameters=trained.parameters, seconds=1.0)
        else:
            measured = [Measurement("fid", 0, 12.5), Measurement("fid", -1, 12.5, 0.25)]
            finish_score(store, claimed, ScoreResult(measured, [], "c" * 64, 1.0, 1.0, 1.0))
    store.close()
    return study
