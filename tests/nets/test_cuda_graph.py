from __future__ import annotations

import pytest
import torch

from sweep.nets.cuda_graph import WARM_UP, Capture, CapturedStep, capture_of, captured_on_gpu, eager
from tests.helpers import fake_cuda_graph

CUDA = torch.device("cuda", 0)


def made(monkeypatch: pytest.MonkeyPatch, failure: Exception | None, calls: int) -> tuple[Capture, int]:
    """Whether a step is captured after so many calls, and how often its function was called."""
    fake_cuda_graph.install(monkeypatch, failure)
    counted: list[int] = []
    step = CapturedStep(lambda: counted.append(1), CUDA)
    for _ in range(calls):
        step()
    return capture_of(step), len(counted)


def test_a_captured_step_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert made(monkeypatch, None, WARM_UP + 3) == (Capture(True), WARM_UP + 1)


# A RuntimeError was swallowed with a warning that no trial process shows.
@pytest.mark.filterwarnings("error")
def test_a_failed_capture_is_told_with_its_reason_and_the_step_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = RuntimeError("CUDA error: operation not permitted when stream is capturing\nCompile with TORCH_USE")
    capture, calls = made(monkeypatch, refused, WARM_UP + 3)
    assert capture == Capture(False, "CUDA error: operation not permitted when stream is capturing")
    assert calls == WARM_UP + 4


def test_out_of_memory_is_no_failed_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        made(monkeypatch, torch.OutOfMemoryError("CUDA out of memory"), WARM_UP + 1)


def test_a_step_that_is_made_a_few_times_is_not_captured(monkeypatch: pytest.MonkeyPatch) -> None:
    capture, _ = made(monkeypatch, None, 2)
    assert not capture.is_captured
    assert "2 times" in capture.reason


@pytest.mark.parametrize("execution", [eager, captured_on_gpu])
def test_a_step_on_a_cpu_is_called(execution: object) -> None:
    step = execution(lambda: None, torch.device("cpu"))
    assert capture_of(step) == Capture(False, "it is called eagerly")
