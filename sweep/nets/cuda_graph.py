"""Ways to run a step of training or sampling many times: eagerly, or on a GPU as one captured CUDA graph."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

StepFn = Callable[[], None]
"""Reads and writes tensors at fixed addresses, decides nothing by their values, and waits for nothing."""

Execution = Callable[[StepFn, torch.device], StepFn]
"""Turns a step function into the function that is called once a step on a device: `captured_on_gpu` or `eager`."""

# Steps before the capture: the optimizer makes its state, and cuDNN and cuBLAS their workspaces.
WARM_UP = 3


class CapturedStep:
    """A step function as one CUDA graph: the host launches once what would be a thousand kernels.

    The first calls run eagerly, on the stream that is captured later, and count as steps: capturing itself computes
    nothing, so no call is lost and none is made twice. A step that cannot be captured goes on running eagerly, after a
    warning.

    Args:
        step_fn: The step. Whatever random numbers it draws from torch's default generator are those of the state that
            the generator has when the graph is replayed.
        device: The CUDA device that the step's tensors are on.
    """

    def __init__(self, step_fn: StepFn, device: torch.device) -> None:
        self._step_fn, self._device = step_fn, device
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch's is not
        self._graph: torch.cuda.CUDAGraph | None = None
        self._calls = 0

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
            with torch.cuda.graph(graph, stream=self._stream):
                self._step_fn()
        except RuntimeError as error:
            torch.cuda.synchronize(self._device)
            warnings.warn(f"the step is not captured and runs kernel by kernel: {error}", stacklevel=2)
            return None
        return graph


def captured_on_gpu(step_fn: StepFn, device: torch.device) -> StepFn:
    """The fastest way to run a step on a device; its results are those of `eager`.

    Args:
        step_fn: The step.
        device: The device that the step's tensors are on.

    Returns:
        A `CapturedStep` on a CUDA device, and the step function itself on any other.
    """
    return CapturedStep(step_fn, device) if device.type == "cuda" else step_fn


def eager(step_fn: StepFn, _device: torch.device) -> StepFn:
    """The step function itself, called kernel by kernel: what captured steps are compared with."""
    return step_fn
