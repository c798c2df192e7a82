"""Scores of each class: the samples of a class against the reference images of that class."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sweep.scoring.evaluated_net import EvaluatedNet, ExtraMetrics, ExtraNumber
from sweep.scoring.frechet import feature_moments, fid_jackknife
from sweep.scoring.kernel import kid_jackknife, mean_of_pairs
from sweep.scoring.reference import COMPARED_ROWS, in_row_order
from sweep.scoring.sample_labels import SampleLabels
from sweep.scoring.score import saved_rows

MIN_IMAGES = 40
"""Of a class, on either side, for its KID: two in each block of the jackknife."""
ROWS_PER_FEATURE = 2
"""Images of a class for each feature, on either side, for its Frechet distance: covariances must not be singular."""


def class_scores(evaluated: EvaluatedNet, labels: SampleLabels) -> ExtraMetrics:
    """KID and Frechet distance of each class that has enough images, over all noise sets.

    Classes are drawn, so N differs between them, and the Frechet distance depends on N: compare it between arms, which
    draw the same classes, and KID, which has no bias, between classes too.

    Args:
        evaluated: The net under evaluation.
        labels: Classes of its samples.
    """
    reference, protocol = evaluated.evaluator.reference, evaluated.evaluator.protocol
    of_reference = in_row_order(evaluated.dataset.class_of(protocol.reference)).numpy()
    rows = np.concatenate([saved_rows(evaluated.folder, one.features) for one in evaluated.scored])
    of_samples = np.concatenate(
        [
            labels.of(protocol.noise_stream(one.noise_set, seed=evaluated.seed), torch.arange(protocol.n)).numpy()
            for one in evaluated.scored
        ]
    )
    device = evaluated.evaluator.extractor.device
    numbers: list[ExtraNumber] = []
    for label in range(labels.classes):
        sides = rows[of_samples == label], reference.rows[of_reference == label]
        numbers += _of_class(label, *sides, device)
    return ExtraMetrics(numbers=tuple(numbers))


def _of_class(
    label: int, rows: NDArray[np.float32], reference_rows: NDArray[np.float32], device: torch.device
) -> list[ExtraNumber]:
    numbers, count = [], min(len(rows), len(reference_rows))
    if count >= MIN_IMAGES:
        compared = reference_rows[:COMPARED_ROWS]
        kid = kid_jackknife(rows, compared, mean_of_pairs(compared), device=device)
        numbers.append(ExtraNumber(name=f"kid_class{label}", value=kid.value, standard_error=kid.standard_error))
    if count >= ROWS_PER_FEATURE * rows.shape[1]:
        fid = fid_jackknife(rows, feature_moments(reference_rows), device=device)
        numbers.append(ExtraNumber(name=f"fid_class{label}", value=fid.value, standard_error=fid.standard_error))
    return numbers
