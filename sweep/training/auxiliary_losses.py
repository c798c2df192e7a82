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


def contrastive(views: Views, config: TrainSettings) -> Tensor:
    """-log exp(s_kk/tau)/sum_j exp(s_kj/tau), s cosines of bottlenecks: noisings k of an image agree, others do not.

    The negatives are the B - 1 other images' second noisings of the slice, each at its own t. Mean over k, scalar.

    Args:
        views: What a term may read of one slice of a batch.
        config: Config of the run, for the term's own settings.

    Source: van den Oord et al. 2018, eq. 4.
    """
    assert views.bottleneck_again is not None
    return info_nce(views.bottleneck, views.bottleneck_again, config.contrastive_temperature)


def dispersive(views: Views, config: TrainSettings) -> Tensor:
    """log E_ij exp(-||z_i - z_j||^2/(D tau)) over the bottlenecks z of the slice, scalar, at most 0.

    Args:
        views: What a term may read of one slice of a batch.
        config: Config of the run, for the term's own settings.

    Source: Wang & He 2025.
    """
    return dispersive_loss(views.bottleneck, config.dispersive_tau)


def perceptual(views: Views, _config: TrainSettings) -> Tensor:
    """alphas_bar_t times the distance of x_0 and its prediction in frozen random features, mean over images, scalar.

    The weight is SNR/(1 + SNR): at t near T the prediction is a guess, and its distance to one image says nothing.

    Source: Zhang et al. 2018, eq. 1.
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
