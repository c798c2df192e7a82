"""In which arithmetic a GPU multiplies: real float32, TensorFloat-32, or bfloat16 under autocast."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch

Float32Products = Literal["ieee", "tf32"]
"""How float32 convolutions and matrix products are computed on a GPU: torch's names. `tf32` rounds their factors to 10
bits, and is torch's default in convolutions."""


@dataclass(frozen=True)
class Arithmetic:
    """How the products of a net are computed.

    Attributes:
        float32_products: Of factors that are float32. A CPU computes them in float32 in any case.
        autocast: Type that factors are rounded to first; None for no rounding.
    """

    float32_products: Float32Products = "ieee"
    autocast: torch.dtype | None = None


ARITHMETIC: Mapping[str, Arithmetic] = {
    "fp32": Arithmetic(),
    "tf32": Arithmetic(float32_products="tf32"),
    "bf16": Arithmetic(autocast=torch.bfloat16),
}
"""By the `precision` of a run."""


# Modules of torch whose settings are defined by their class, which types do not see.
_BACKENDS: Any = torch.backends


def use_float32_products(products: Float32Products) -> None:
    """Have this process compute float32 products in this way, until the next call.

    Args:
        products: The way.
    """
    for backend in _backends():
        backend.fp32_precision = products


def float32_products_in_use() -> dict[str, str]:
    """How this process computes float32 products, by their kind."""
    convolution, matmul, _ = _backends()
    return {"convolution": convolution.fp32_precision, "matmul": matmul.fp32_precision}


@contextmanager
def float32_products(products: Float32Products) -> Iterator[None]:
    """Compute float32 products in this way inside the block, and as before after it.

    Both passes of a net must be inside: the gradient's products are computed by their own kernels.

    Args:
        products: The way.
    """
    before = [(backend, backend.fp32_precision) for backend in _backends()]
    use_float32_products(products)
    try:
        yield
    finally:
        for backend, precision in before:
            backend.fp32_precision = precision


def _backends() -> tuple[Any, Any, Any]:
    return _BACKENDS.cudnn.conv, _BACKENDS.cuda.matmul, _BACKENDS.cudnn.rnn


@contextmanager
def net_arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Compute what is called inside the block in the arithmetic of a precision.

    Args:
        precision: Key of `ARITHMETIC`.
        device: Device of the net.
    """
    arithmetic = ARITHMETIC[precision]
    rounded = arithmetic.autocast
    with (
        float32_products(arithmetic.float32_products),
        torch.autocast(device.type, rounded or torch.bfloat16, enabled=rounded is not None),
    ):
        yield
