"""How long a study will take here, from a few of its steps."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from sweep.nets.memory_format import channels_last
from sweep.training.interfaces import RunContext
from sweep.training.trainer import Training
from sweep.worker.messages import MeasureJob, Timed
from sweep.worker.preparation import dataset_of

MEASURED = 3
MEASURED_AT_MOST = 30
MEASURE_SECONDS = 1.5


def measure(job: MeasureJob, device: torch.device) -> Timed:
    """Time a few steps and a few network calls here, so that a plan can say how long a study takes."""
    dataset = dataset_of(job.config.data)
    with tempfile.TemporaryDirectory() as folder:
        last = channels_last(job.config.net.kind)
        context = RunContext(folder=Path(folder), attempt="timing", device=device, channels_last=last)
        training = Training(job.config, dataset, context, sync_every_steps=50)
        step_seconds = _seconds_each(training.advance, device)
    rows = min(256, len(dataset.train))
    images = torch.zeros(rows, dataset.channels, dataset.size, dataset.size, device=device)
    index = torch.zeros(rows, dtype=torch.int64, device=device)
    net = training.net.eval()
    with torch.inference_mode():
        call_seconds = _seconds_each(lambda: net(images, index), device)
    return Timed(step_seconds, call_seconds / rows, sum(p.numel() for p in net.parameters()), dataset.remarks)


def _seconds_each(act: Callable[[], object], device: torch.device) -> float:
    act()
    spent: list[float] = []
    while len(spent) < MEASURED or (sum(spent) < MEASURE_SECONDS and len(spent) < MEASURED_AT_MOST):
        started = time.perf_counter()
        act()
        if device.type == "cuda":
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - started)
    return sorted(spent)[len(spent) // 2]
