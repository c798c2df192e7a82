"""Streams and CUDA graphs without a GPU: a graph replays by calling the step, and a capture may be made to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch


class FakeStream:
    """A stream that waits for nothing."""

    def __init__(self, _device: torch.device | None = None) -> None:
        pass

    def wait_stream(self, _other: object) -> None:
        pass


class FakeGraph:
    """A graph that counts its launches."""

    def __init__(self) -> None:
        self.replays = 0

    def replay(self) -> None:
        self.replays += 1


def install(monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None) -> None:
    """Have `torch.cuda` capture without a GPU.

    Args:
        monkeypatch: Puts torch back after the test.
        failure: What each capture raises; None: each one works.
    """

    @contextmanager
    def graph(_graph: FakeGraph, *, stream: FakeStream) -> Iterator[None]:
        del stream
        yield
        if failure is not None:
            raise failure

    replacements: dict[str, Callable[..., Any]] = {
        "Stream": FakeStream,
        "CUDAGraph": FakeGraph,
        "graph": graph,
        "current_stream": FakeStream,
        "stream": lambda _stream: nullcontext(),
        "synchronize": lambda _device=None: None,
    }
    for name, replacement in replacements.items():
        monkeypatch.setattr(torch.cuda, name, replacement)
