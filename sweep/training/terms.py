"""Additional terms of the loss, each with a weight of its own. One function and one line of `TERMS` each."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from sweep.config.run import TrainSettings
from sweep.diffusion.losses import dispersive_loss, info_nce
from sweep.nets.random_features import RandomFeatures, perceptual_distance


class Views(NamedTuple):
    """What a term may look at, of one slice of a batch."""

    bottleneck: Tensor
    """[B, ...] of the net at x_t: the middle of the U-Net, the last hidden layer of the MLP."""
    bottleneck_again: Tensor | None
    """The same of a second, independent (t, noise) of the same images; only where a term asks for it."""
    x0: Tensor
    predicted_x0: Tensor
    """Not clipped: a clipped pixel has no gradient."""
    alphas_bar: Tensor
    """float32 [B]."""
    features: RandomFeatures


# van den Oord et al. 2018, eq. 4
def contrastive(views: Views, config: TrainSettings) -> Tensor:
    """Two noisings of one image should agree at the bottleneck, against the other images of the slice.

    The negatives are the B - 1 other images' second noisings, each at its own t.
    """
    assert views.bottleneck_again is not None
    return info_nce(views.bottleneck, views.bottleneck_again, config.contrastive_temperature)


# Wang & He 2025
def dispersive(views: Views, config: TrainSettings) -> Tensor:
    """Bottlenecks of different images should lie apart."""
    return dispersive_loss(views.bottleneck, config.dispersive_tau)


def perceptual(views: Views, _config: TrainSettings) -> Tensor:
    """Distance between x_0 and its prediction in frozen random features, times alphas_bar_t.

    The weight is SNR / (1 + SNR): at t near T the prediction is a guess, and its distance to one image says nothing.
    """
    return (views.alphas_bar * perceptual_distance(views.features, views.predicted_x0, views.x0)).mean()


class Term(NamedTuple):
    """A term, the weight it is given, and whether it needs a second noising."""

    value: Callable[[Views, TrainSettings], Tensor]
    """-> scalar, mean over the slice."""
    weight: Callable[[TrainSettings], float]
    two_views: bool = False


TERMS: dict[str, Term] = {
    "contrastive": Term(contrastive, lambda config: config.contrastive_weight, two_views=True),
    "dispersive": Term(dispersive, lambda config: config.dispersive_weight),
    "perceptual": Term(perceptual, lambda config: config.perceptual_weight),
}


def active_terms(config: TrainSettings) -> list[Term]:
    """The terms whose weight is not 0."""
    return [term for term in TERMS.values() if term.weight(config) > 0.0]
