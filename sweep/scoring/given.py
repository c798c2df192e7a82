"""The score of images that exist: the same measures as those of a net, and no sampling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sweep.errors import ProtocolError
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.progress import Progress, ignore_progress
from sweep.scoring.score import NetScore, score_images, summarise


def score_given_images(
    images: NDArray[np.uint8], evaluator: Evaluator, *, folder: Path, on_progress: Progress = ignore_progress
) -> NetScore:
    """Score images under a protocol. Its noise sets are disjoint parts of the images.

    Args:
        images: uint8 [N, C, H, W], N at least n times the noise sets. Gray images are compared with coloured ones as
            three equal channels.
        evaluator: Extractor, reference and bounds of the protocol.
        folder: Folder of this score; no other score writes there.
        on_progress: Called with (images measured, images of all noise sets).

    Raises:
        ProtocolError: There are too few images, or they do not have the shape of the real ones.
    """
    protocol, shape = evaluator.protocol, evaluator.shape
    if images.shape[1] == 1 and shape[0] == 3:
        images = np.repeat(images, 3, axis=1)
    needed = protocol.n * len(protocol.noise_sets)
    if images.shape[1:] != shape or len(images) < needed:
        raise ProtocolError(
            f"the images have the shape {list(images.shape)}",
            why=f"{needed:,} images of shape {list(shape)} are needed.",
            next="Name other images.",
        )
    scored = []
    for position, rows in enumerate(parts(len(images), n=protocol.n, sets=len(protocol.noise_sets))):
        part = torch.from_numpy(np.ascontiguousarray(images[rows]))
        scored.append(score_images(part, evaluator, noise_set=protocol.noise_sets[position], folder=folder))
        on_progress((position + 1) * protocol.n, needed)
    return summarise(scored, evaluator)


def parts(count: int, *, n: int, sets: int) -> list[NDArray[np.int64]]:
    """Which images make up each noise set: disjoint parts in a fixed random order, or all images as they are.

    Files are often sorted by class, so that the first of them would be no sample of all.

    Args:
        count: Images of the item.
        n: Images of a noise set.
        sets: Noise sets; n x sets <= count.
    """
    if count == n:
        return [np.arange(n)]
    order = np.random.default_rng(0).permutation(count)
    return [np.sort(order[position * n : (position + 1) * n]) for position in range(sets)]
