from __future__ import annotations

from typing import Any

import pytest
import torch

from sweep.nets.cuda_graph import WARM_UP
from sweep.worker import timing
from sweep.worker.orders import MeasureJob
from sweep.worker.timing import median_seconds, time_training
from tests.helpers.tiny_training import TINY_UNET, tiny

CPU = torch.device("cpu")


# Calls were timed in fp32, of 256 images at a time, whatever a score does.
@pytest.mark.parametrize(("samples", "batch"), [(100, 100), (700, 512)])
def test_sampling_is_timed_as_a_score_runs_it(monkeypatch: pytest.MonkeyPatch, samples: int, batch: int) -> None:
    made: list[tuple[str, tuple[int, ...], bool]] = []

    class Watched(timing.FixedPredictor):
        def __init__(self, net: Any, precision: Any, shape: Any, device: Any) -> None:
            kernels = [p for p in net.parameters() if p.ndim == 4]
            is_channels_last = all(p.is_contiguous(memory_format=torch.channels_last) for p in kernels)
            made.append((precision, shape, is_channels_last and not net.training))
            super().__init__(net, precision, shape, device)

    monkeypatch.setattr(timing, "FixedPredictor", Watched)
    monkeypatch.setattr(timing, "MAX_STEPS", 3)
    calls: list[float] = []
    monkeypatch.setattr(timing, "median_seconds", lambda step_fn, _: calls.append(step_fn() is None) or 1.0)
    timed = time_training(MeasureJob(tiny(net=TINY_UNET, precision="bf16"), samples), CPU)
    assert made == [("bf16", (batch, 1, 8, 8), True)]
    assert timed.call_seconds == pytest.approx(-(-samples // batch) / samples)
    assert len(calls) == 2


def test_on_a_gpu_neither_eager_calls_nor_the_capture_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    now, calls = [0.0], [0]

    def step() -> None:
        calls[0] += 1
        now[0] += 10.0 if calls[0] <= WARM_UP + 1 else 0.1

    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(torch.cuda, "synchronize", lambda _: None)
    assert median_seconds(step, torch.device("cuda", 0)) == pytest.approx(0.1)
