"""A step as a CUDA graph would keep it: the kernels that it launched, on fixed addresses, without its Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

WARM_UP = 3
# What waits for the device, or gives a result whose size its values decide.
FORBIDDEN = ("_local_scalar_dense", "nonzero", "masked_select", "bincount", "unique", "is_nonzero", "equal")


class Recorder(TorchDispatchMode):
    """Notes every operator with its arguments and results, and refuses what no graph can hold."""

    def __init__(self) -> None:
        super().__init__()
        self.launches: list[tuple[Any, Any, Any, Any]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        assert name not in FORBIDDEN, f"{name} waits for the device"
        out = func(*args, **(kwargs or {}))
        self.launches.append((func, args, kwargs or {}, out))
        return out

    def replay(self) -> None:
        """The same operators on the same tensors; a result goes where the first one went."""
        with torch.no_grad():
            for func, args, kwargs, out in self.launches:
                if _is_view(func, args, out):
                    continue  # an address, and launches nothing
                for kept, now in zip(tree_flatten(out)[0], tree_flatten(func(*args, **kwargs))[0], strict=True):
                    if isinstance(kept, Tensor) and kept is not now and kept.numel():
                        kept.copy_(now)


def _is_view(func: Any, args: Any, out: Any) -> bool:
    """Whether a result is part of an argument. In inference mode a reshape is one operator, which may copy."""
    if not any(r.alias_info is not None and not r.alias_info.is_write for r in func._schema.returns):
        return False
    given = {part.untyped_storage().data_ptr() for part in tree_flatten(args)[0] if isinstance(part, Tensor)}
    return all(part.untyped_storage().data_ptr() in given for part in tree_flatten(out)[0])


class Recorded:
    """Called plainly at first, then recorded once, then replayed."""

    def __init__(self, step_fn: Callable[[], None], _device: torch.device) -> None:
        self.step_fn = step_fn
        self.calls = self.replays = 0
        self.recorder: Recorder | None = None

    def __call__(self) -> None:
        self.calls += 1
        if self.recorder is not None:
            self.recorder.replay()
            self.replays += 1
        elif self.calls <= WARM_UP:
            self.step_fn()
        else:
            # Unlike a capture, this computes.
            self.recorder = Recorder()
            with self.recorder:
                self.step_fn()
