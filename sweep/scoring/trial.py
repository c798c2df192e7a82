"""A score of a few real images: whatever a score needs is met before the first training, not after it."""

from __future__ import annotations

from pathlib import Path

import torch

from sweep.config.keys import protocol_key
from sweep.data.dataset import Dataset
from sweep.files.caches import find_or_build, read_sealed, write_sealed
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.reference import held_out_images, reference_images

MAX_IMAGES = 256


def try_score(evaluator: Evaluator, dataset: Dataset, *, folder: Path) -> None:
    """Measure a few real images as if they had been generated; done once for each protocol in a folder.

    Args:
        evaluator: What scores will be made with.
        dataset: Where the images come from: those outside the reference first.
        folder: Where it is noted that this went well.

    Raises:
        ProtocolError: A number would have no meaning.
    """
    # These load torch-fidelity, which takes seconds.
    from sweep.scoring.fidelity import checked_rows
    from sweep.scoring.measure import measure_distances

    protocol = evaluator.protocol
    path = folder / f"tried-{protocol_key(protocol)[:16]}-{protocol.extractor_sha256[:16]}.json"

    def build() -> dict[str, object]:
        split = protocol.reference
        images = torch.cat([held_out_images(dataset, split), reference_images(dataset, split)])[:MAX_IMAGES]
        features = evaluator.extractor.extract(images)
        rows = checked_rows(features.penultimate, what="Features of real images")
        if features.logits.shape[1]:
            checked_rows(features.logits, what="Logits of real images")
        # With fewer rows than columns a covariance is singular, as it is in no score of usual size.
        if len(rows) > rows.shape[1]:
            measure_distances(features, evaluator.reference, n=len(rows), device=evaluator.extractor.device)
        tried: dict[str, object] = {"images": len(rows)}
        write_sealed(path, tried)
        return tried

    find_or_build(path, lambda: read_sealed(path), build)
