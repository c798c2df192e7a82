from __future__ import annotations

from pathlib import Path

import torch

from sweep.config.study import Cadence
from sweep.files.file_store import FileStore
from sweep.store.records import ExecutionRecord
from sweep.store.states import StepExecution
from sweep.training.step_state import StepStateCache
from sweep.worker.jobs import train_run
from sweep.worker.messages import Message, Progressed
from sweep.worker.orders import TrainJob
from tests.helpers.tiny_training import tiny


def test_every_point_of_the_curves_says_how_the_step_is_run(tmp_path: Path) -> None:
    sent: list[Message] = []
    job = TrainJob(tiny(), Cadence(), FileStore(tmp_path), "run", attempt="1", checkpoints=())
    train_run(job, torch.device("cpu"), StepStateCache(), sent.append, lambda: False)
    points = [message for message in sent if isinstance(message, Progressed) and message.metrics]
    assert points
    eager = ExecutionRecord(StepExecution.EAGER, "it is called eagerly")
    assert all(message.execution == eager for message in points)
