"""How a step of training or sampling is run again and again: by calling it, or on a GPU by replaying its launches."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

StepFn = Callable[[], None]
"""Reads and writes tensors at fixed addresses, decides nothing by their values, and waits for nothing."""

Replay = Callable[[StepFn, torch.device], StepFn]
"""How an act is run on a device."""

# Steps before the capture: the optimizer makes its state, and cuDNN and cuBLAS their workspaces.
WARM_UP = 3


class Captured:
    """An act as one CUDA graph: the host launches once what would be a thousand kernels.

    The first calls are made plainly, on the stream that is captured later, and are as good as any: capturing itself
    computes nothing, so no call is lost and none is made twice. What cannot be captured stays plain.

    Args:
        act: Whatever random numbers it draws from torch's default generator are those of the state that the generator
            has when it is replayed.
        device: A CUDA device.
    """

    def __init__(self, act: StepFn, device: torch.device) -> None:
        self._act, self._device = act, device
        self._stream: torch.cuda.Stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._graph: torch.cuda.CUDAGraph | None = None
        self._calls = 0

    def __call__(self) -> None:
        if self._calls == WARM_UP:
            self._graph = self._capture()
        self._calls += 1
        if self._graph is not None:
            self._graph.replay()
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            self._act()
        torch.cuda.current_stream(self._device).wait_stream(self._stream)

    def _capture(self) -> torch.cuda.CUDAGraph | None:
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._stream):
                self._act()
        except RuntimeError as error:
            torch.cuda.synchronize(self._device)
            warnings.warn(f"the step is not captured and runs kernel by kernel: {error}", stacklevel=2)
            return None
        return graph


def replayed(act: StepFn, device: torch.device) -> StepFn:
    """The fastest way to run an act on a device, equal to calling it."""
    return Captured(act, device) if device.type == "cuda" else act


def called(act: StepFn, _device: torch.device) -> StepFn:
    """The act itself: the reference."""
    return act
