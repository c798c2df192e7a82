"""How long one step of a training, and one network call of its sampling, take on this machine."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from sweep.config.run import TrainConfig
from sweep.nets.cuda_graph import WARM_UP
from sweep.nets.memory_format import channels_last
from sweep.scoring.generate import default_batch, evaluating
from sweep.scoring.predictor import FixedPredictor
from sweep.training.interfaces import RunContext
from sweep.training.trainer import Training
from sweep.worker.messages import Timed
from sweep.worker.orders import MeasureJob
from sweep.worker.preparation import dataset_of

MIN_STEPS = 3
MAX_STEPS = 30
MEASURE_SECONDS = 1.5


def time_training(job: MeasureJob, device: torch.device) -> Timed:
    """Time a few steps and a few network calls, from which a plan estimates how long a study takes.

    Both are run as a worker runs them: in the precision and the memory format of the run, on a GPU as CUDA graphs, and
    the network calls in the batch of a score.

    Args:
        job: The training, and the number of images of a noise set.
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
        step_seconds = median_seconds(training.advance, device)
    shape = (dataset.channels, dataset.size, dataset.size)
    call_seconds = _call_seconds(training.net, job.config, shape, job.samples, device)
    parameters = sum(p.numel() for p in training.net.parameters())
    return Timed(step_seconds, call_seconds, parameters, dataset.remarks)


def _call_seconds(
    net: nn.Module, config: TrainConfig, shape: tuple[int, int, int], samples: int, device: torch.device
) -> float:
    """Seconds of a network call for one image of a noise set, of which the last batch is a whole one, too."""
    with torch.inference_mode(), evaluating(net):
        batch = min(samples, default_batch(net, shape, device, config.precision))
        predict = FixedPredictor(net, config.precision, (batch, *shape), device)
        images = torch.zeros(batch, *shape, device=device)
        index = torch.zeros(batch, dtype=torch.int64, device=device)
        seconds = median_seconds(lambda: predict(images, index), device)
    return seconds * math.ceil(samples / batch) / samples


def median_seconds(step_fn: Callable[[], object], device: torch.device) -> float:
    """Seconds of a call, median of 3 to 30; on a GPU the eager calls and the capture before it are left out.

    Args:
        step_fn: What is called.
        device: Device that it computes on.
    """
    # On a GPU the first calls run eagerly, and the next one is the capture.
    for _ in range(WARM_UP + 1 if device.type == "cuda" else 1):
        step_fn()
    durations: list[float] = []
    while len(durations) < MIN_STEPS or (sum(durations) < MEASURE_SECONDS and len(durations) < MAX_STEPS):
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        started = time.perf_counter()
        step_fn()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        durations.append(time.perf_counter() - started)
    return sorted(durations)[len(durations) // 2]
