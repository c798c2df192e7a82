"""torch-fidelity as a person calls it: images in, metrics out, with a feature extractor registered by name."""

from __future__ import annotations

from typing import Any

import torch
import torch_fidelity
from torch import Tensor
from torch.utils.data import Dataset
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from sweep.scoring.features import Extractor

NAME = "benchmark-classifier"
METRICS = {"fid": True, "kid": True, "isc": True, "prc": True}
_registered: list[Extractor] = []


class SharedExtractor(torch_fidelity.FeatureExtractorBase):
    """The extractor that was registered last, as torch-fidelity calls it."""

    def __init__(self, name: str, features_list: list[str], **_settings: object) -> None:
        super().__init__(name, features_list)
        self.extractor = _registered[-1]

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return ("features", "logits")

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return "logits" if metric == "isc" else "features"

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        # torch-fidelity moves images to a GPU only where it is told to use one, and then to the current one.
        with torch.inference_mode():
            features, logits = self.extractor.net(images.to(self.extractor.device))
        both = {"features": features, "logits": logits}
        return tuple(both[name].cpu() for name in self.features_list)


class _Images(Dataset[Tensor]):
    def __init__(self, images: Tensor) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Tensor:
        return self._images[index]


def register(extractor: Extractor) -> None:
    """Let torch-fidelity see with the extractor that ours sees with."""
    _registered.append(extractor)
    if NAME not in FEATURE_EXTRACTORS_REGISTRY:
        torch_fidelity.register_feature_extractor(NAME, SharedExtractor)


def calculated(images: Tensor, reference: Tensor, metrics: dict[str, Any]) -> dict[str, float]:
    """Of uint8 images [N, C, H, W]; the reference's features are computed each time, as they are without its cache."""
    told: dict[str, float] = torch_fidelity.calculate_metrics(
        input1=_Images(images),
        input2=_Images(reference),
        feature_extractor=NAME,
        batch_size=500,
        **metrics,
        kid_subset_size=min(1000, len(images)),
        isc_splits=10,
        cuda=False,
        cache=False,
        save_cpu_ram=True,
        verbose=False,
    )
    return told
