"""How fast a device multiplies matrices: what no net can beat on it."""

from __future__ import annotations

import time

import torch

PRODUCTS, REPETITIONS = 4, 8


def product_flops(device: torch.device, dtype: torch.dtype, *, size: int) -> float:
    """FLOP/s of products of square matrices, the best of eight blocks of four.

    TF32 stays off in float32, as it is in a training of `fp32`.

    Args:
        device: The device.
        dtype: Type of the factors.
        size: Rows of a factor; 8192 fill a GPU, 1024 a CPU core.
    """
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(REPETITIONS):
        started = time.perf_counter()
        for _ in range(PRODUCTS):
            a @ b
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, (time.perf_counter() - started) / PRODUCTS)
    return 2 * size**3 / best
