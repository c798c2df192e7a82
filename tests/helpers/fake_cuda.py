"""A CUDA device without a GPU: operators on it compute shapes, strides and devices, and no values."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.optim import Optimizer
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from sweep.config.run import TrainConfig
from sweep.nets import group_norm
from sweep.training import batch, objective, optimizers, prefetch, step_state

CUDA = torch.device("cuda", 0)

# What waits for the device, or gives a result whose size its values decide.
WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "bincount", "unique", "is_nonzero", "equal")


class Launches(TorchDispatchMode):
    """Counts the kernels that a step launches, and refuses what waits for the device.

    An operator over lists of tensors is one kernel where all tensors of a position have equal strides and types: torch
    takes its fast path. Else it is one for each tensor, and `slow` has its name.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kernels: Counter[str] = Counter()
        self.slow: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """Kernels in all."""
        return self.kernels.total()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func._schema.name.removeprefix("aten::")
        tensors = [part for part in tree_leaves((args, kwargs, result)) if isinstance(part, Tensor)]
        assert name not in WAITS, f"{name} waits for the device"
        assert len({tensor.device for tensor in tensors if tensor.ndim}) < 2, f"{name} moves between devices"
        self._count(name, func, args, kwargs or {})
        return result

    def _count(self, name: str, func: Any, args: Any, kwargs: Any) -> None:
        if func.namespace != "aten" or name in NO_KERNEL or _is_view(func):
            return
        lists = [part for part in (*args, *kwargs.values()) if _is_list(part)]
        if not lists or _is_fast(lists):
            self.kernels[name] += 1
        else:
            self.kernels[name] += len(lists[0])
            self.slow[name] += len(lists[0])


NO_KERNEL = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "promote_types"})


def _is_view(func: Any) -> bool:
    return any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns)


def _is_list(part: Any) -> bool:
    return isinstance(part, list | tuple) and len(part) > 0 and all(isinstance(each, Tensor) for each in part)


# ATen/native/ForeachUtils.h: check_fast_path_restrictions
def _is_fast(lists: list[Any]) -> bool:
    first = lists[0]
    for others in lists[1:]:
        if all(other.ndim == 0 for other in others):
            continue  # counts of steps
        for one, other in zip(first, others, strict=True):
            if one.numel() and (one.stride() != other.stride() or one.dtype != other.dtype):
                return False
    return True


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose tensors are real also where others are not: what the host draws is kept between runs."""

    @functools.wraps(function)
    def call(*arguments: Any, **others: Any) -> Any:
        with unset_fake_temporarily():
            return function(*arguments, **others)

    return call


@contextmanager
def shapes_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside the block, steps compute shapes, strides and types, on a CPU with the operators of a GPU."""
    monkeypatch.setattr(step_state, "build_net", _real(step_state.build_net))
    monkeypatch.setattr(prefetch, "host_draws", _real(prefetch.host_draws))
    monkeypatch.setattr(group_norm, "in_rows", lambda _x, _groups: False)
    objective.random_features.cache_clear()
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            yield
    finally:
        objective.random_features.cache_clear()


@contextmanager
def fake_cuda(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Inside the block, `cuda` is a device that computes shapes alone.

    Generators of the device are left out, and so is the backward pass: torch's engine wants a driver. Each parameter
    gets a gradient in its own layout, as the engine gives it.
    """

    def with_lr(config: TrainConfig, params: Any) -> Optimizer:
        # Optimizers read the value of lr when they are made, and never after.
        with monkeypatch.context() as patch:
            patch.setattr(optimizers, "_lr", lambda _params, config: config.lr)
            optimizer = optimizers.build_optimizer(config, params)
        for group in optimizer.param_groups:
            group["lr"] = torch.zeros((), device=CUDA)
        return optimizer

    usual = batch.generator

    def without_cuda(*arguments: Any, device: torch.device | None = None) -> torch.Generator | None:
        return None if device is not None and device.type == "cuda" else usual(*arguments)

    monkeypatch.setattr(batch, "generator", without_cuda)
    monkeypatch.setattr(step_state, "build_optimizer", with_lr)
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: tensor)
    monkeypatch.setattr(torch.amp.autocast_mode, "amp_definitely_not_available", lambda: False, raising=False)
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    with shapes_alone(monkeypatch):
        yield
