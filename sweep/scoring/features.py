"""Feature extractors: frozen nets from uint8 images to rows of features, by name.

An extractor is its weights file: the name says which kind, the hash says which weights, and both are part of every
score. Features are float32 and so is the net, always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sweep.data.dataset import Dataset
from sweep.errors import ProtocolError, UnknownName
from sweep.nets.arithmetic import float32_products
from sweep.nets.random_features import RandomFeatures
from sweep.scoring.classifier_file import find_classifier, load_classifier
from sweep.scoring.progress import Progress, ignore_progress


@dataclass(frozen=True, kw_only=True)
class Features:
    """What an extractor saw in N images, image k in row k."""

    penultimate: NDArray[np.float32]
    """[N, D]: what distances are measured on."""
    logits: NDArray[np.float32]
    """[N, K]: of the classes that the extractor was trained on."""
    extractor: str
    extractor_sha256: str

    def __len__(self) -> int:
        return len(self.penultimate)


@dataclass(frozen=True, kw_only=True)
class Extractor:
    """A frozen net with a name. Make one by `load_extractor`."""

    name: str
    sha256: str
    """SHA-256 of the weights file."""
    dim: int
    """D."""
    batch: int
    """Images at a time, where the caller does not say."""
    net: nn.Module
    """uint8 [B, C, H, W] on `device` -> float32 penultimate [B, D] and logits [B, K]."""
    device: torch.device
    parallel: int = 1
    """Batches that are computed at once, each in a thread of its own; features are the same in every bit."""

    def extract(self, images: Tensor, *, batch: int | None = None, on_progress: Progress = ignore_progress) -> Features:
        """Features of images. The batch size moves them by rounding only (relative 1e-5).

        Args:
            images: Images, uint8 [N, C, H, W], N >= 1.
            batch: Images at a time; None: as many as the extractor usually takes.
            on_progress: Called with (images done, images in all).

        Raises:
            ProtocolError: The images are not uint8 of four dimensions. A float image in [0, 1] or [-1, 1] would pass
                through any net and score as something else.
        """
        if images.dtype != torch.uint8 or images.ndim != 4:
            raise ProtocolError(
                f"{self.name} takes uint8 images [N, C, H, W], not {images.dtype} {tuple(images.shape)}.",
                next="Convert with sweep.data.pixels.to_uint8, which clamps and rounds.",
            )
        penultimate, logits = [], []
        size = batch or self.batch
        batches = [images[start : start + size] for start in range(0, len(images), size)]
        with float32_products("ieee"), ThreadPoolExecutor(self.parallel) as threads:
            # In this thread where one is enough: torch keeps a pool of its own for each thread that computes.
            computed = threads.map(self._batch, batches) if self.parallel > 1 else map(self._batch, batches)
            for rows, row_logits in computed:
                penultimate.append(rows)
                logits.append(row_logits)
                on_progress(sum(map(len, penultimate)), len(images))
        return Features(
            penultimate=torch.cat(penultimate).numpy(),
            logits=torch.cat(logits).numpy(),
            extractor=self.name,
            extractor_sha256=self.sha256,
        )

    # How many threads share an operator decides its last bits; how many batches are computed at once does not.
    def _batch(self, images: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            rows, logits = self.net(images.to(self.device))
            assert rows.dtype == torch.float32, rows.dtype
            return rows.cpu(), logits.cpu()


def inception(
    _dataset: Dataset, *, folder: Path, weights: Path | None, device: torch.device, on_progress: Progress
) -> Extractor:
    """The Inception of published FIDs, as torch-fidelity converted it; gray images are repeated to three channels.

    Args:
        folder: Not read: its weights are kept where torch keeps what it downloads.
        weights: The extractor's weights file, if not the usual one.
        device: Device that computes.
        on_progress: Called with (bytes received, bytes in all) of a download.

    Source: Heusel et al. 2017.
    """
    del folder  # its weights are kept where torch keeps what it downloads
    from sweep.scoring.inception import load_inception  # loads torch-fidelity: seconds, which others need not pay

    name, sha256, net = load_inception(weights, device, on_progress)
    return Extractor(name=name, sha256=sha256, dim=2048, batch=32, net=net, device=device)


def classifier(
    dataset: Dataset, *, folder: Path, weights: Path | None, device: torch.device, on_progress: Progress
) -> Extractor:
    """A small CNN trained once on the dataset itself (see classifier.py), or shipped: its distance is FCD, not FID.

    Args:
        dataset: The images that it learns from.
        folder: Folder in which classifiers and references are kept.
        weights: The extractor's weights file, if not the usual one.
        device: Device that computes.
        on_progress: Called with (images done, images in all).

    Source: LeCun et al. 1998, in kind.
    """
    path = weights or find_classifier(dataset, folder=folder, device=device, on_progress=on_progress)
    name, sha256, net = load_classifier(path, device)
    return Extractor(name=name, sha256=sha256, dim=net.dim, batch=500, net=net, device=device)


EXTRACTORS: Mapping[str, Callable[..., Extractor]] = {
    "inception": inception,
    "classifier": classifier,
}


def load_extractor(
    kind: str,
    dataset: Dataset,
    *,
    folder: Path,
    device: torch.device,
    weights: Path | None = None,
    on_progress: Progress = ignore_progress,
) -> Extractor:
    """An extractor for the images of a dataset.

    Args:
        kind: A key of `EXTRACTORS`.
        dataset: What a classifier is trained on, if `folder` does not hold it yet.
        folder: Where classifiers are kept.
        device: Where the net runs.
        weights: Its weights file, if not the usual one.
        on_progress: Over the images of a classifier's training, or the bytes of weights that are downloaded.

    Raises:
        UnknownName: No extractor of that name.
        DataError: Weights that are missing, unsafe to load or refused by their gate.
        ProtocolError: It looks through the network of the perceptual term.
    """
    if kind not in EXTRACTORS:
        raise UnknownName("feature extractor", kind, EXTRACTORS, next="sweep docs protocols")
    extractor = EXTRACTORS[kind](dataset, folder=folder, weights=weights, device=device, on_progress=on_progress)
    if any(isinstance(part, RandomFeatures) for part in extractor.net.modules()):
        raise ProtocolError(
            f"The extractor `{kind}` looks through the network of the perceptual term.",
            why="A training with perceptual_weight would be scored by what it was trained on, not by what it learned.",
            next=f"Use one of: {', '.join(name for name in EXTRACTORS if name != kind)}.",
        )
    return extractor
