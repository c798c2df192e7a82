"""All distances between generated images and a reference, from their saved features alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sweep.errors import ProtocolError
from sweep.scoring.features import Features
from sweep.scoring.frechet import CPU, fid_jackknife
from sweep.scoring.jackknife import Jackknife
from sweep.scoring.kernel import kid_jackknife, kid_of_subsets
from sweep.scoring.needs import DENSITY_NEIGHBOURS, NEIGHBOURS
from sweep.scoring.reference import COMPARED_ROWS, Reference

Rows = NDArray[np.floating]

KID_SUBSETS = 100
KID_SUBSET_SIZE = 1000
ROWS_PER_INFINITY = 8  # below N = 8 D the extrapolation is worse than none


@dataclass(frozen=True, kw_only=True)
class Measurements:
    """Distances of one set of generated images, and what they were measured with."""

    n: int
    extractor: str
    extractor_sha256: str
    reference_sha256: str
    fid: float
    """|mu - mu'|^2 + tr(S + S' - 2 (S S')^(1/2)), in squared units of features; FID only if Inception's.

    Source: Heusel et al. 2017.
    """
    fid_se: float
    """Its standard error over generated images, by jackknife. Says nothing about retraining."""
    fid_infinity: float | None
    """`fid` extrapolated to N = infinity; None below N = 8 D. Source: Chong & Forsyth 2020."""
    fid_left_out: tuple[float, ...]
    """`fid` without each block of images: what paired differences are made of (`jackknife.difference`)."""
    kid: float
    """Squared MMD under (x . y/D + 1)^3 over torch-fidelity's 100 subsets of up to 1000. Unbiased.

    Source: Binkowski et al. 2018.
    """
    kid_se: float
    """Its standard error over generated images and over the choice of subsets."""
    kid_left_out: tuple[float, ...]
    """All-pairs kernel distance without each block of images."""
    inception_score: float | None
    """exp E KL(p(y | x) || p(y)) by torch-fidelity: mean over 10 splits, on the extractor's logits; None without any.

    Source: Salimans et al. 2016.
    """
    precision: float
    """Share of generated images inside the reference's neighbourhoods. Source: Kynkaanniemi et al. 2019."""
    recall: float
    """Share of reference images inside the generated images' neighbourhoods. Source: Kynkaanniemi et al. 2019."""
    density: float
    """Precision with multiplicity; expected 1 for equal distributions. Source: Naeem et al. 2020, eq. 4."""
    coverage: float
    """Share of reference neighbourhoods that hold a generated image. Source: Naeem et al. 2020, eq. 5."""

    @property
    def fid_jackknife(self) -> Jackknife:
        return Jackknife(self.fid, self.fid_left_out)


def measure_distances(features: Features, reference: Reference, *, n: int, device: torch.device = CPU) -> Measurements:
    """Every distance between `features` and `reference`.

    Args:
        features: Features of the generated images.
        reference: What they are compared with.
        n: How many images the protocol asks for. FID depends on it, so any other number is refused.
        device: Where kernels, eigenvalues and distances are computed, in float64; what torch-fidelity computes stays on
            the CPU.

    Raises:
        ProtocolError: Features of another extractor, of another number of images, or not finite.
    """
    # torch-fidelity takes seconds to load, all of torchvision with it: a worker trains before it scores.
    from sweep.scoring.fidelity import calculate, checked_rows

    _check_comparable(features, reference, n)
    rows = checked_rows(features.penultimate, what="Features of the generated images")
    subset = min(KID_SUBSET_SIZE, n, len(reference.rows))
    distances = calculate(rows, reference.rows, settings={"fid": True})
    kids = kid_of_subsets(rows, reference.rows, subsets=KID_SUBSETS, size=subset, device=device)
    fid = fid_jackknife(rows, reference.moments, device=device)
    _check_two_forms(distances["frechet_inception_distance"], fid.value, reference)
    kid = kid_jackknife(rows, reference.compared_rows, reference.pairs, device=device)
    # Law of total variance: of the all-pairs value, and of a mean over random subsets around it.
    kid_variance = kid.standard_error**2 + kids.var() / KID_SUBSETS
    return Measurements(
        n=n,
        extractor=features.extractor,
        extractor_sha256=features.extractor_sha256,
        reference_sha256=reference.images_sha256,
        fid=distances["frechet_inception_distance"],
        fid_se=fid.standard_error,
        fid_infinity=fid.extrapolated if n >= ROWS_PER_INFINITY * rows.shape[1] else None,
        fid_left_out=fid.left_out,
        kid=float(kids.mean()),
        kid_se=float(np.sqrt(kid_variance)),
        kid_left_out=kid.left_out,
        inception_score=_inception_score(features, n),
        **_neighbourhoods(rows, reference.rows, device),
    )


def _inception_score(features: Features, n: int) -> float | None:
    from sweep.scoring.fidelity import calculate, checked_rows

    if not features.logits.shape[1]:
        return None
    logits = checked_rows(features.logits, what="Logits of the generated images")
    return calculate(logits, settings={"isc": True, "isc_splits": min(10, n)})["inception_score_mean"]


def _check_comparable(features: Features, reference: Reference, n: int) -> None:
    if features.extractor_sha256 != reference.extractor_sha256:
        raise ProtocolError(
            f"The reference was seen by another extractor than {features.extractor}.",
            why=f"Its weights are {reference.extractor_sha256[:8]}, these are {features.extractor_sha256[:8]}.",
            next="Make the reference with the extractor that scores.",
        )
    if len(features) != n or len(features.logits) != n:
        raise ProtocolError(
            f"{len(features)} images where the protocol asks for {n}.",
            why="The bias of FID is proportional to 1/N: values at different N do not compare.",
            next=f"Generate {n} images, or write a protocol with n = {len(features)}.",
        )


def _check_two_forms(theirs: float, ours: float, reference: Reference) -> None:
    # With N > D the two agree to rounding; a singular product loses half of the digits in torch-fidelity's form.
    scale = abs(theirs) + float(np.trace(reference.moments.sigma))
    if abs(theirs - ours) > 1e-4 * scale:
        raise ProtocolError(
            f"Two forms of the Frechet distance disagree: {theirs:.9g} and {ours:.9g}.",
            why="Features are too large or too degenerate for float64, or a library changed its formula.",
            next="Report the two numbers; do not use either.",
        )


def _neighbourhoods(rows: Rows, reference_rows: Rows, device: torch.device) -> dict[str, float]:
    """Precision, recall, density, coverage of equally many rows of both sides: they depend on both numbers."""
    from sweep.scoring.fidelity import calculate

    m = min(len(rows), len(reference_rows), COMPARED_ROWS)
    rows, reference_rows = rows[:m], reference_rows[:m]
    shares = calculate(
        rows,
        reference_rows,
        settings={"prc": True, "prc_neighborhood": min(NEIGHBOURS, m - 1), "prc_batch_size": 1000},
    )
    density, coverage = density_and_coverage(
        rows, reference_rows, neighbours=min(DENSITY_NEIGHBOURS, m - 1), device=device
    )
    return {
        "precision": shares["precision"],
        "recall": shares["recall"],
        "density": density,
        "coverage": coverage,
    }


# Naeem et al. 2020, eq. 4 and 5
def density_and_coverage(
    rows: Rows, reference_rows: Rows, *, neighbours: int, device: torch.device = CPU
) -> tuple[float, float]:
    """How often generated rows lie in the balls around reference rows that reach their k-th neighbour.

    Args:
        rows: Feature rows of the generated images, [M, D].
        reference_rows: Feature rows of the reference, [N, D].
        neighbours: Which neighbour the balls reach.
        device: Device that computes, in float64.

    Returns:
        Density and coverage.
    """
    y, x = (torch.from_numpy(side.astype(np.float64)).to(device) for side in (rows, reference_rows))
    within, covered = 0, 0
    for start in range(0, len(x), 1000):
        part = x[start : start + 1000]
        # The nearest is the point itself.
        radius = torch.cdist(part, x).kthvalue(neighbours + 1, dim=1, keepdim=True).values
        inside = torch.cdist(part, y) <= radius
        within += int(inside.sum())
        covered += int(inside.any(dim=1).sum())
    return within / (neighbours * len(y)), covered / len(x)
