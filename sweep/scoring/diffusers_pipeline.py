"""Images of a denoising diffusion model that was trained by ddpm-sweep, drawn as its study drew them.

This file is part of the exported folder and needs torch and diffusers alone:

    from diffusers import DiffusionPipeline
    pipeline = DiffusionPipeline.from_pretrained(FOLDER, trust_remote_code=True)
    images = pipeline(batch_size=4, seed=0).images

Image k of a seed depends on the seed and k alone. The steps of the sampler are a table in `model_index.json`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from diffusers import DiffusionPipeline, ImagePipelineOutput
from diffusers.utils.pil_utils import numpy_to_pil
from torch import Tensor

# Philox4x32-10 of Salmon et al. 2011, and the quantile of Saharia et al. 2022, sec. 2.3.
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_MASK = 0xFFFFFFFF
_DYNAMIC_QUANTILE = 0.995


class SweepPipeline(DiffusionPipeline):  # type: ignore[misc] # its types are not complete
    """A net, and the steps that draw images from it.

    Args:
        unet: Net of the images and the index t - 1 of the training chain.
        sampling: The steps: `shape`, `clip`, `rows`, `index` (see `sampling_document` of ddpm-sweep).
    """

    def __init__(self, unet: torch.nn.Module, sampling: dict[str, Any] | None = None) -> None:
        super().__init__()
        self.register_modules(unet=unet)
        self.register_to_config(sampling=sampling)

    @torch.no_grad()
    def __call__(
        self, batch_size: int = 1, *, seed: int = 0, first: int = 0, output_type: str = "pil"
    ) -> ImagePipelineOutput:
        """Draw images.

        Args:
            batch_size: How many images.
            seed: Seed of the noise, 0 to 2^64 - 1.
            first: Number of the first image of this seed.
            output_type: `pil`, `np` (float32 [N, H, W, C] in [0, 1]) or `uint8` (a tensor [N, C, H, W]).

        Returns:
            The images, as `images`.
        """
        rows, index = self.config.sampling["rows"], self.config.sampling["index"]
        shape = tuple(self.config.sampling["shape"])
        device = self.unet.device
        numbers = torch.arange(first, first + batch_size, device=device)
        x = _noise(seed, numbers, 0, shape)
        x0 = torch.zeros_like(x)
        for k, row in enumerate(self.progress_bar(rows)):
            before, (x0, raw) = x0, self._x0(x, index[k], row)
            step = row["on_x"] * x + row["on_x0"] * x0 + row["on_previous"] * before
            if row["corrector"]:
                step = step + row["corrector"] * (x0 - self._x0(step, index[k + 1], rows[k + 1])[0])
            if row["draws"]:
                step = step + _sigma(row, raw) * _noise(seed, numbers, k + 1, shape)
            x = step
        images = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        if output_type == "uint8":
            return ImagePipelineOutput(images=images)
        values = images.permute(0, 2, 3, 1).cpu().float().numpy() / 255
        shown = numpy_to_pil(values) if output_type == "pil" else values
        return ImagePipelineOutput(images=shown)

    def _x0(self, x: Tensor, index: int, row: dict[str, Any]) -> tuple[Tensor, Tensor | None]:
        """The image that the net predicts from x, clipped, and the variance half of its output if there is one."""
        i = torch.full((len(x),), index, device=x.device)
        output = self.unet(x, i).sample.float()
        prediction = output[:, : x.shape[1]]
        x0 = row["x0_of_x"] * x + row["x0_of_prediction"] * prediction
        raw = output[:, x.shape[1] :] if output.shape[1] > x.shape[1] else None
        return _clipped(x0, self.config.sampling["clip"]), raw


def _clipped(x0: Tensor, clip: str) -> Tensor:
    if clip == "static":
        return x0.clamp(-1, 1)
    if clip == "dynamic":
        magnitudes = x0.abs().flatten(1)
        rank = 1 + round(_DYNAMIC_QUANTILE * (magnitudes.shape[1] - 1))
        s = magnitudes.kthvalue(rank, dim=1).values.clamp(min=1).view(-1, 1, 1, 1)
        return x0.clamp(-s, s) / s
    return x0


def _sigma(row: dict[str, Any], raw: Tensor | None) -> Tensor | float:
    """Standard deviation of the noise of a step; between two bounds where the net states it."""
    if "log_variances" not in row:
        return float(row["sigma"])
    low, high = row["log_variances"]
    assert raw is not None
    deviation: Tensor = (0.5 * (low + (raw + 1) / 2 * (high - low))).exp()
    return deviation


def _noise(seed: int, numbers: Tensor, draw: int, shape: tuple[int, ...]) -> Tensor:
    """Standard normals of images `numbers`, float32 [N, *shape]; draw 0 is x_T, draw k that of sampling step k."""
    row = numbers[:, None]
    block = torch.arange(-(-math.prod(shape) // 4), device=row.device)[None]
    counter = (block, torch.full_like(block, draw), row & _MASK, row >> 32)
    u_0, u_1, u_2, u_3 = ((word.double() + 0.5) / 2**32 for word in _philox(counter, (seed & _MASK, seed >> 32)))
    pairs = []
    for u, v in ((u_0, u_1), (u_2, u_3)):
        radius, angle = (-2 * u.log()).sqrt(), 2 * math.pi * v
        pairs += [radius * angle.cos(), radius * angle.sin()]
    flat = torch.stack(pairs, dim=-1).flatten(1)[:, : math.prod(shape)]
    return flat.float().reshape(len(flat), *shape)


def _philox(counter: tuple[Tensor, ...], key: tuple[int, int]) -> tuple[Tensor, ...]:
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high_0, low_0 = _product(_MULTIPLIERS[0], c0)
        high_1, low_1 = _product(_MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high_1 ^ c1 ^ k0, low_1, high_0 ^ c3 ^ k1, low_0
        k0, k1 = (k0 + _KEY_STEPS[0]) & _MASK, (k1 + _KEY_STEPS[1]) & _MASK
    return c0, c1, c2, c3


def _product(a: int, b: Tensor) -> tuple[Tensor, Tensor]:
    """High and low 32-bit words of a * b, by 16-bit halves: the product does not fit a signed int64."""
    high_part, low_part = a * (b >> 16), a * (b & 0xFFFF)
    high = (high_part + (low_part >> 16)) >> 16
    return high, (((high_part & 0xFFFF) << 16) + low_part) & _MASK
