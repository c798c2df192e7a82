"""Ways to run a step of training or sampling many times: eagerly, or on a GPU as one captured CUDA graph."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

StepFn = Callable[[], None]
"""Reads and writes tensors at fixed addresses, decides nothing by their values, and waits for nothing."""

Execution = Callable[[StepFn, torch.device], StepFn]
"""Turns a step function into the function that is called once a step on a device: `captured_on_gpu` or `eager`."""


@dataclass(frozen=True)
class Capture:
    """Whether a step is launched as one CUDA graph.

    Attributes:
        is_captured: Whether it is.
        reason: Why not, where it is not.
    """

    is_captured: bool
    reason: str = ""


# Steps before the capture: the optimizer makes its state, and cuDNN and cuBLAS their workspaces.
WARM_UP = 3


class CapturedStep:
    """A step function as one CUDA graph: the host launches once what would be a thousand kernels.

    The first calls run eagerly, on the stream that is captured later, and count as steps: capturing itself computes
    nothing, so no call is lost and none is made twice. A step that cannot be captured goes on running eagerly, and
    `capture` says why.

    Args:
        step_fn: The step. Whatever random numbers it draws from torch's default generator are those of the state that
            the generator has when the graph is replayed.
        device: The CUDA device that the step's tensors are on.
    """

    def __init__(self, step_fn: StepFn, device: torch.device) -> None:
        self._step_fn, self._device = step_fn, device
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call] # torch's is not
        self._graph: torch.cuda.CUDAGraph | None = None
        self._refusal = ""
        self._calls = 0

    @property
    def capture(self) -> Capture:
        """Whether the step is launched as a graph by now."""
        if self._graph is not None:
            return Capture(True)
        return Capture(False, self._refusal or f"it was made {self._calls} times; the first {WARM_UP} run eagerly")

    def __call__(self) -> None:
        """Run the step once more: eagerly, or by launching the graph."""
        if self._calls == WARM_UP:
            self._graph = self._capture()
        self._calls += 1
        if self._graph is not None:
            self._graph.replay()
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            self._step_fn()
        torch.cuda.current_stream(self._device).wait_stream(self._stream)

    def _capture(self) -> torch.cuda.CUDAGraph | None:
        graph = torch.cuda.CUDAGraph()
        try:
            with _no_collection(), torch.cuda.graph(graph, stream=self._stream):
                self._step_fn()
        except torch.OutOfMemoryError:
            raise  # the run goes on in smaller slices; eagerly it would ask for as much
        except RuntimeError as error:
            torch.cuda.synchronize(self._device)
            self._refusal = str(error).partition("\n")[0] or type(error).__name__
            return None
        return graph


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the cyclic collector from running: it may destroy an old graph, which breaks a capture under way."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def release_memory(device: torch.device) -> None:
    """Give the memory of what nobody uses any more back to a GPU, so that it is free when the next net asks for it.

    Args:
        device: The device; on a CPU there is nothing to do.
    """
    if device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()


def captured_on_gpu(step_fn: StepFn, device: torch.device) -> StepFn:
    """The fastest way to run a step on a device; its results are those of `eager`.

    Args:
        step_fn: The step.
        device: The device that the step's tensors are on.

    Returns:
        A `CapturedStep` on a CUDA device, and the step function itself on any other.
    """
    return CapturedStep(step_fn, device) if device.type == "cuda" else step_fn


def capture_of(step_fn: StepFn) -> Capture:
    """Whether a step is launched as one CUDA graph.

    Args:
        step_fn: What an execution has returned.
    """
    return step_fn.capture if isinstance(step_fn, CapturedStep) else Capture(False, "it is called eagerly")


def eager(step_fn: StepFn, _device: torch.device) -> StepFn:
    """The step function itself, called kernel by kernel: what captured steps are compared with."""
    return step_fn
