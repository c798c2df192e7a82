"""What a batch costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sweep.config.run import TrainSettings
from sweep.diffusion.losses import detach_mean, hybrid_loss, per_image_loss, vlb_terms
from sweep.diffusion.process import Diffusion
from sweep.diffusion.reverse import reverse_distribution, split_output
from sweep.diffusion.targets import epsilon_from_x0, predicted_x0, target_for
from sweep.nets import registry
from sweep.nets.random_features import RandomFeatures
from sweep.training.auxiliary_losses import Term, Views, active_terms
from sweep.training.batch import Batch
from sweep.training.noise_tables import betas_of, check_objective, weights_of
from sweep.training.seeding import generator


def build_net(config: TrainSettings, *, channels: int, size: int, seed: int = 0) -> nn.Module:
    """The net of a config on the CPU, with initial weights from the seed's own stream.

    Args:
        config: Its `net` and `learned_variance` are read.
        channels: Of the images.
        size: Height and width of the images, pixels.
        seed: Of the run; any will do if weights are loaded afterwards.
    """
    return registry.build(
        config.net.kind,
        config.net.model_dump(exclude={"kind"}),
        image_channels=channels,
        image_size=size,
        generator=generator(seed, "init", 0),
        out_channels=2 * channels if config.learned_variance else None,
    )


class Cost(NamedTuple):
    """What a slice of a batch costs."""

    loss: Tensor
    """What is minimised, float32 [B], with gradients."""
    bound: Tensor | None
    """L_t of each image in bits per dimension, float32 [B]; None where the objective does not read it."""


class Seen(NamedTuple):
    """One pass of the net over a batch."""

    batch: Batch
    x_t: Tensor
    output: Tensor
    """[B, C, H, W], or [B, 2C, H, W] where the variance is learned."""


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of a config, with its tables on the device."""

    config: TrainSettings
    diffusion: Diffusion
    weights: Tensor
    """float64 [T], on the loss of what the net predicts."""
    terms: list[Term]
    """Additional ones, not one of weight 0."""

    @classmethod
    def of(cls, config: TrainSettings, device: torch.device) -> Objective:
        """Tables of a config.

        Raises:
            InfeasibleConfig: Schedule, T, target, weighting and objective make no sense together.
        """
        check_objective(config)
        betas = betas_of(config)
        weights = torch.tensor(weights_of(config, betas), device=device)
        return cls(config, Diffusion.from_betas(betas, device), weights, active_terms(config))

    def loss(self, net: nn.Module, batch: Batch) -> Tensor:
        """What is minimised, of each image, float32 [B], with gradients."""
        return self.cost(net, batch).loss

    def cost(self, net: nn.Module, batch: Batch) -> Cost:
        """The loss of each image and the term of the bound it is made of, if any.

        Additional terms compare the images of `batch` with one another, so they depend on where a batch is sliced.
        """
        x_t = self.diffusion.q_sample(batch.x0, batch.i, batch.noise)
        output, bottleneck = self._run(net, x_t, batch.i)
        loss, bound = OBJECTIVES[self.config.objective](self, Seen(batch, x_t, output))
        if batch.importance is not None:
            loss = loss * batch.importance
        if self.terms:
            views = self._views(net, Seen(batch, x_t, output), bottleneck)
            loss = loss + sum(term.weight(self.config) * term.value(views, self.config) for term in self.terms)
        return Cost(loss, bound)

    # Ho et al. 2020, algorithm 1 and eq. 14, with a weight w_t
    def regression(self, seen: Seen) -> Tensor:
        """Weighted distance between prediction and target, float32 [B]."""
        batch, config = seen.batch, self.config
        target = target_for(config.target, self.diffusion, batch.x0, batch.noise, seen.x_t, batch.i)
        prediction, _ = split_output(seen.output, batch.x0.shape[1])
        per_image = per_image_loss(config.loss, prediction, target, delta=config.loss_delta)
        return self.weights[batch.i].float() * per_image

    # Ho et al. 2020, eq. 5
    def bound(self, seen: Seen, *, variance_alone: bool) -> Tensor:
        """L_t in bits per dimension, float32 [B]; without a learned variance under Ho's fixed_large."""
        variance = "learned_range" if self.config.learned_variance else "fixed_large"
        reverse = reverse_distribution(
            self.diffusion, seen.output, seen.x_t, seen.batch.i,
            target=self.config.target, variance=variance, x0_clip="none",
        )  # fmt: skip
        reverse = detach_mean(reverse) if variance_alone else reverse
        return vlb_terms(self.diffusion, reverse, seen.batch.x0, seen.x_t, seen.batch.i)

    # Ho et al. 2020, eq. 14
    def epsilon_error(self, net: nn.Module, batch: Batch) -> Tensor:
        """Squared error of the noise that the prediction stands for, mean over pixels, float32 [B].

        Unweighted, and the same quantity whatever the target, loss and weighting: runs of equal T and schedule compare.
        """
        x_t = self.diffusion.q_sample(batch.x0, batch.i, batch.noise)
        prediction, _ = split_output(self._run(net, x_t, batch.i)[0], batch.x0.shape[1])
        if self.config.target != "epsilon":
            x0 = predicted_x0(self.config.target, self.diffusion, prediction, x_t, batch.i)
            prediction = epsilon_from_x0(self.diffusion, x0, x_t, batch.i)
        return per_image_loss("mse", prediction, batch.noise)

    def _views(self, net: nn.Module, seen: Seen, bottleneck: Tensor | None) -> Views:
        batch, channels = seen.batch, seen.batch.x0.shape[1]
        assert bottleneck is not None
        again = None
        if batch.second_i is not None and batch.second_noise is not None:
            again = self._run(
                net, self.diffusion.q_sample(batch.x0, batch.second_i, batch.second_noise), batch.second_i
            )[1]
        prediction, _ = split_output(seen.output, channels)
        return Views(
            bottleneck=bottleneck,
            bottleneck_again=again,
            x0=batch.x0,
            predicted_x0=predicted_x0(self.config.target, self.diffusion, prediction, seen.x_t, batch.i),
            alphas_bar=self.diffusion.alphas_bar[batch.i].float(),
            features=random_features(channels, batch.x0.device),
        )

    def _run(self, net: nn.Module, x_t: Tensor, i: Tensor) -> tuple[Tensor, Tensor | None]:
        """The net's output, and its bottleneck where a term reads it."""
        # The net alone runs in bfloat16: in it, sqrt(1 - alphas_bar_t) is 0 for the first ten t.
        with torch.autocast(x_t.device.type, dtype=torch.bfloat16, enabled=self.config.precision == "bf16"):
            if self.terms:
                output, bottleneck = net.forward_features(x_t, i)  # type: ignore[operator]
                return output, bottleneck
            return net(x_t, i), None


@lru_cache(maxsize=4)
def random_features(channels: int, device: torch.device) -> RandomFeatures:
    """The frozen net of the perceptual term; its weights are constants."""
    return RandomFeatures(channels).to(device)


def simple(objective: Objective, seen: Seen) -> Cost:
    """w_t times the loss of the prediction, float32 [B], in units of the loss. Source: Ho et al. 2020, eq. 14."""
    return Cost(objective.regression(seen), None)


def hybrid(objective: Objective, seen: Seen) -> Cost:
    """`simple` + vlb_weight T L_t, float32 [B], where the bound trains the variance alone.

    Source: Nichol & Dhariwal 2021, eq. 16.
    """
    bound = objective.bound(seen, variance_alone=True)
    T, weight = objective.diffusion.timesteps, objective.config.vlb_weight
    return Cost(hybrid_loss(objective.regression(seen), bound, T, weight), bound)


def vlb(objective: Objective, seen: Seen) -> Cost:
    """T L_t in bits per dimension, float32 [B]: one term drawn uniformly, T times, estimates the sum over t.

    Source: Ho et al. 2020, eq. 5.
    """
    bound = objective.bound(seen, variance_alone=False)
    return Cost(objective.diffusion.timesteps * bound, bound)


OBJECTIVES: dict[str, Callable[[Objective, Seen], Cost]] = {"simple": simple, "hybrid": hybrid, "vlb": vlb}
