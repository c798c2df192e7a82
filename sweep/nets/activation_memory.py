"""How much memory a net's feature maps take at once, computed from their shapes without running it."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch's has no types
    """Bytes of the tensors that operators have made and that are still in use: now, and at most so far."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # likewise
        self.now = 0
        self.peak: int = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {part.untyped_storage()._cdata for part in tree_leaves((args, kwargs)) if isinstance(part, Tensor)}
        for part in tree_leaves(result):
            if isinstance(part, Tensor) and part.untyped_storage()._cdata not in given:
                self._count(part.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        if storage in self._seen:
            return
        self._seen.add(storage)
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._free, storage.nbytes())

    def _free(self, nbytes: int) -> None:
        self.now -= nbytes


def peak_activation_bytes(
    call: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, ...], device: torch.device
) -> int:
    """The most memory that the results of a net's operators take at once.

    A function of the net's shapes alone: nothing is computed or allocated on the device, and its counters stay as
    they are. Workspaces inside operators are left out.

    Args:
        call: The net without gradients, (x_t [B, C, H, W], i int64 [B]) -> prediction.
        shape: Shape of a batch, (B, C, H, W).
        device: Device that the net is on.

    Returns:
        Bytes for the whole batch.
    """
    # Outside of inference mode, in which a fake tensor cannot share the storage of a weight.
    with torch.inference_mode(mode=False), torch.no_grad(), FakeTensorMode(allow_non_fake_inputs=True):
        x = torch.empty(shape, device=device)
        i = torch.zeros(shape[0], dtype=torch.int64, device=device)
        with _LiveBytes() as live:
            call(x, i)
    peak: int = live.peak
    return peak
