from __future__ import annotations

import math

import pytest
import torch

from sweep.errors import Diverged
from sweep.training.metrics_buffer import TAIL, MetricsBuffer

CPU = torch.device("cpu")


def fill(metrics_buffer: MetricsBuffer, steps: range, bad: dict[int, tuple[float, float]]) -> None:
    for step in steps:
        if metrics_buffer.full:
            metrics_buffer.flush()
        loss, norm = bad.get(step, (float(step), 10.0 * step))
        metrics_buffer.record(step, torch.tensor(loss), torch.tensor(norm))
    metrics_buffer.flush()


@pytest.mark.parametrize("bad", [(math.nan, 1.0), (math.inf, 1.0), (1.0, math.nan), (1.0, math.inf)])
@pytest.mark.parametrize("step", [1, 7, 16, 17, 33])
def test_the_first_bad_step_is_named_with_what_came_before(step: int, bad: tuple[float, float]) -> None:
    metrics_buffer = MetricsBuffer(16, CPU)
    # All steps after a bad one are bad, too, and some are recorded before anyone looks.
    with pytest.raises(Diverged, match=f"step {step}: loss ") as caught:
        fill(metrics_buffer, range(1, 49), dict.fromkeys(range(step, 49), bad))
    before = list(range(max(1, step - TAIL), step))
    assert caught.value.step == step
    assert caught.value.evidence == {"step": before, "loss": before, "grad_norm": [10.0 * s for s in before]}


def test_windows_hold_every_step_once() -> None:
    metrics_buffer = MetricsBuffer(4, CPU)
    fill(metrics_buffer, range(1, 11), {})
    assert metrics_buffer.losses == list(range(1, 11))
    metrics_buffer.clear()
    fill(metrics_buffer, range(11, 13), {})
    assert metrics_buffer.losses == [11.0, 12.0]
    assert metrics_buffer.norms == [110.0, 120.0]


def test_evidence_reaches_back_past_a_resume() -> None:
    first = MetricsBuffer(16, CPU)
    fill(first, range(1, 11), {})
    second = MetricsBuffer(4, CPU)
    second.load_state_dict(first.state_dict())
    assert second.losses == list(range(1, 11))
    with pytest.raises(Diverged) as caught:
        fill(second, range(11, 16), {13: (math.nan, 1.0)})
    assert caught.value.evidence["step"] == list(range(1, 13))
