"""A feature extractor of a plugin, as a protocol names it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from sweep.config.keys import part_sha256
from sweep.config.own_part import OwnPart
from sweep.data.dataset import Dataset
from sweep.errors import UsageError
from sweep.scoring.features import Extractor

PROBED = 2
"""Images that are looked at to learn how many features there are."""


def own_extractor(part: OwnPart, dataset: Dataset, *, device: torch.device) -> Extractor:
    """The extractor of a plugin. It has no classes, so that its scores have no inception score.

    Args:
        part: The extractor.
        dataset: The images of the study.
        device: Device that computes.

    Raises:
        DataError: This process has not loaded the plugin, or a file that it reads has another content.
        UsageError: It returns something else than features.
        Exception: Whatever the part raises.
    """
    net = OwnFeatures(part, part("feature_extractor", {})).to(device).eval()
    sha256 = part_sha256(part)
    with torch.inference_mode():
        features, _ = net(dataset.train[:PROBED].to(device))
    name = f"own-{part.part}-{sha256[:8]}"
    return Extractor(name=name, sha256=sha256, dim=features.shape[1], batch=500, net=net, device=device)


class OwnFeatures(nn.Module):
    """Features of images, and no logits.

    Args:
        part: The extractor of the plugin, for messages.
        made: What it has returned: a function or a module.
    """

    def __init__(self, part: OwnPart, made: Any) -> None:
        super().__init__()
        self._part = part
        if not callable(made):
            raise self._refused(f"it returned {type(made).__name__}; a function or a module is expected")
        self.made = made

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features, float32 [B, D], and logits [B, 0].

        Args:
            images: uint8 [B, C, H, W].

        Raises:
            UsageError: The features have another shape, or are not finite.
        """
        features = self.made(images)
        if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(images):
            shown = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
            raise self._refused(f"its features are {shown}; a tensor [{len(images)}, D] is expected")
        if not bool(features.isfinite().all()):
            raise self._refused("its features are not finite")
        return features.float(), features.new_zeros((len(images), 0), dtype=torch.float32)

    def _refused(self, problem: str) -> UsageError:
        what = f"feature extractor `{self._part}` of a plugin cannot be used"
        return UsageError(what, why=problem, next="Correct the plugin.")
