"""Whether the state of a part survives a checkpoint, which holds tensors and plain values alone."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import torch

from sweep.worker.broken_part import Broken, Guarantee


def through_checkpoint(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state as it comes back from a checkpoint.

    Args:
        state: What a `state_dict` returned.

    Raises:
        Broken: It holds something that cannot be written, or that is not read back because it could run code.
    """
    buffer = io.BytesIO()
    try:
        torch.save(dict(state), buffer)
        loaded: dict[str, Any] = torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        problem = f"its state_dict holds more than tensors and plain values, and cannot be pickled safely: {reason}"
        raise Broken(problem, Guarantee.RESUMABLE) from error
    return loaded
