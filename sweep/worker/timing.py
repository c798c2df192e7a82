"""How long one step of a training takes on this machine."""

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

MIN_STEPS = 3
MAX_STEPS = 30
MEASURE_SECONDS = 1.5


def time_training(job: MeasureJob, device: torch.device) -> Timed:
    """Time a few steps and a few network calls, from which a plan estimates how long a study takes.

    Args:
        job: The training.
        device: Device on which it is timed.

    Returns:
        Seconds of one optimizer step, and of one network call for one image: medians of 3 to 30 repetitions.

    Raises:
        ImagesUnavailable: The data cannot be loaded.
    """
    dataset = dataset_of(job.config.data)
    with tempfile.TemporaryDirectory() as folder:
        is_channels_last = channels_last(job.config.net.kind)
        context = RunContext(folder=Path(folder), attempt="timing", device=device, channels_last=is_channels_last)
        training = Training(job.config, dataset, context, sync_every_steps=50)
        step_seconds = _median_seconds(training.advance, device)
    rows = min(256, len(dataset.train))
    images = torch.zeros(rows, dataset.channels, dataset.size, dataset.size, device=device)
    index = torch.zeros(rows, dtype=torch.int64, device=device)
    net = training.net.eval()
    with torch.inference_mode():
        call_seconds = _median_seconds(lambda: net(images, index), device)
    return Timed(step_seconds, call_seconds / rows, sum(p.numel() for p in net.parameters()), dataset.remarks)


def _median_seconds(step_fn: Callable[[], object], device: torch.device) -> float:
    step_fn()
    durations: list[float] = []
    while len(durations) < MIN_STEPS or (sum(durations) < MEASURE_SECONDS and len(durations) < MAX_STEPS):
        started = time.perf_counter()
        step_fn()
        if device.type == "cuda":
            torch.cuda.synchronize()
        durations.append(time.perf_counter() - started)
    return sorted(durations)[len(durations) // 2]
