"""The loss of a batch: predict, weigh, and add the additional terms. `trainer.py` calls it once a micro-batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from sweep.config.own_part import OwnPart
from sweep.config.run import TrainSettings
from sweep.diffusion.losses import detach_mean, hybrid_loss, per_image_loss, vlb_terms
from sweep.diffusion.process import Diffusion
from sweep.diffusion.reverse import reverse_distribution, split_output
from sweep.diffusion.targets import AnyTarget, epsilon_from_x0, predicted_x0, target_for
from sweep.nets.arithmetic import net_arithmetic
from sweep.nets.random_features import RandomFeatures
from sweep.training.auxiliary_losses import Term, Views, active_terms
from sweep.training.batch import Batch
from sweep.training.forward_pass import Cost, ForwardPass
from sweep.training.noise_tables import betas_of, check_objective, weights_of
from sweep.training.own_parts import own_loss_term, own_objective, own_per_image_loss, target_of


@dataclass(frozen=True, eq=False)
class Objective:
    """The loss of a config, with its tables on the device."""

    config: TrainSettings
    diffusion: Diffusion
    weights: Tensor
    """float64 [T], on the loss of what the net predicts."""
    terms: list[Term]
    """Additional terms of this package, none of weight 0."""
    target: AnyTarget
    """What the net predicts."""

    @classmethod
    def of(cls, config: TrainSettings, device: torch.device) -> Objective:
        """The objective of a config.

        Args:
            config: Config whose schedule, weighting, target and terms are read.
            device: Device that the tables lie on.

        Raises:
            InfeasibleConfig: Schedule, T, target, weighting and objective make no sense together.
        """
        check_objective(config)
        betas = betas_of(config)
        weights = torch.tensor(weights_of(config, betas), device=device)
        return cls(
            config, Diffusion.from_betas(betas, device), weights, active_terms(config), target_of(config, device)
        )

    def predict(self, net: nn.Module, x_t: Tensor, batch: Batch) -> ForwardPass:
        """Run the net on noised images.

        Args:
            net: The net that is trained, (x_t, i) -> prediction, or (x_t, i, labels).
            x_t: Noised images, float32 [B, C, H, W].
            batch: The slice of a batch that they were made of.
        """
        return ForwardPass(batch, x_t, *self._run(net, x_t, batch.i, batch.labels))

    def cost(self, net: nn.Module, forward: ForwardPass) -> Cost:
        """The weighted loss of each image, and the term of the bound that it is made of, if any.

        Additional terms compare the images of a slice with one another, so they depend on where a batch is sliced.

        Args:
            net: The net of the pass. It is run once more where a term compares two noisings of an image.
            forward: What `predict` returned.
        """
        assert isinstance(self.config.objective, str)
        loss, bound = OBJECTIVES[self.config.objective](self, forward)
        if forward.batch.importance is not None:
            loss = loss * forward.batch.importance
        if self.terms:
            views = self._views(net, forward)
            loss = loss + sum(term.weight(self.config) * term.value(views, self.config) for term in self.terms)
        if isinstance(self.config.loss_term, OwnPart):
            loss = loss + self._own_term(self.config.loss_term, forward)
        return Cost(loss, bound)

    def cost_of_batch(self, net: nn.Module, x_t: Tensor, batch: Batch) -> Cost:
        """What `cost` says of the prediction of a batch, or what the objective of a plugin does.

        Args:
            net: The net that is trained, (x_t, i) -> prediction.
            x_t: Noised images, float32 [B, C, H, W].
            batch: The slice of a batch that they were made of.
        """
        if not isinstance(self.config.objective, OwnPart):
            return self.cost(net, self.predict(net, x_t, batch))

        def run(x: Tensor, i: Tensor) -> Tensor:
            return self._run(net, x, i, batch.labels)[0]

        return Cost(own_objective(self.config.objective, run, x_t, batch, self.diffusion), None)

    def _own_term(self, part: OwnPart, forward: ForwardPass) -> Tensor:
        batch, x_t = forward.batch, forward.x_t
        prediction, _ = split_output(forward.output, batch.x0.shape[1])
        x0 = predicted_x0(self.target, self.diffusion, prediction, x_t, batch.i)
        return own_loss_term(part, prediction, x0, x_t, batch, self.diffusion)

    # Ho et al. 2020, algorithm 1 and eq. 14, with a weight w_t
    def regression(self, forward: ForwardPass) -> Tensor:
        """Weighted distance between prediction and target, float32 [B]."""
        batch, config = forward.batch, self.config
        target = target_for(self.target, self.diffusion, batch.x0, batch.noise, forward.x_t, batch.i)
        prediction, _ = split_output(forward.output, batch.x0.shape[1])
        if isinstance(config.loss, OwnPart):
            per_image = own_per_image_loss(config.loss, prediction, target)
        else:
            per_image = per_image_loss(config.loss, prediction, target, delta=config.loss_delta)
        return self.weights[batch.i].float() * per_image

    # Ho et al. 2020, eq. 5
    def bound(self, forward: ForwardPass, *, variance_alone: bool) -> Tensor:
        """One term of the variational bound; without a learned variance that under Ho's fixed_large.

        Args:
            forward: What `predict` returned.
            variance_alone: Whether gradients reach the variance alone, and not the mean.

        Returns:
            L_t in bits per dimension, float32 [B].
        """
        variance = "learned_range" if self.config.learned_variance else "fixed_large"
        x0, i = forward.batch.x0, forward.batch.i
        reverse = reverse_distribution(
            self.diffusion, forward.output, forward.x_t, i, target=self.target, variance=variance, x0_clip="none"
        )
        reverse = detach_mean(reverse) if variance_alone else reverse
        return vlb_terms(self.diffusion, reverse, x0, forward.x_t, i)

    # Ho et al. 2020, eq. 14
    def epsilon_error(self, net: nn.Module, batch: Batch) -> Tensor:
        """Squared error of the noise that the prediction stands for, mean over pixels.

        Unweighted, and the same quantity whatever the target, loss and weighting: runs of equal T and schedule compare.

        Args:
            net: The net, in eval mode.
            batch: Images with their t and noise.

        Returns:
            float32 [B].
        """
        x_t = self.diffusion.q_sample(batch.x0, batch.i, batch.noise)
        prediction, _ = split_output(self._run(net, x_t, batch.i, batch.labels)[0], batch.x0.shape[1])
        if self.target != "epsilon":
            x0 = predicted_x0(self.target, self.diffusion, prediction, x_t, batch.i)
            prediction = epsilon_from_x0(self.diffusion, x0, x_t, batch.i)
        return per_image_loss("mse", prediction, batch.noise)

    def _views(self, net: nn.Module, forward: ForwardPass) -> Views:
        batch, channels = forward.batch, forward.batch.x0.shape[1]
        assert forward.bottleneck is not None
        bottleneck_again = None
        if batch.second_i is not None and batch.second_noise is not None:
            second_x_t = self.diffusion.q_sample(batch.x0, batch.second_i, batch.second_noise)
            bottleneck_again = self._run(net, second_x_t, batch.second_i, batch.labels)[1]
        prediction, _ = split_output(forward.output, channels)
        return Views(
            bottleneck=forward.bottleneck,
            bottleneck_again=bottleneck_again,
            x0=batch.x0,
            predicted_x0=predicted_x0(self.target, self.diffusion, prediction, forward.x_t, batch.i),
            alphas_bar=self.diffusion.alphas_bar[batch.i].float(),
            features=random_features(channels, batch.x0.device),
        )

    def _run(self, net: nn.Module, x_t: Tensor, i: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The net's output, and its bottleneck where a term reads it."""
        # The net alone is under autocast: in bfloat16, sqrt(1 - alphas_bar_t) is 0 for the first ten t.
        inputs = (x_t, i) if labels is None else (x_t, i, labels)
        with net_arithmetic(self.config.precision, x_t.device):
            if self.terms:
                output, bottleneck = net.forward_features(*inputs)  # type: ignore[operator] # every net has it
                return output, bottleneck
            return net(*inputs), None


@lru_cache(maxsize=4)
def random_features(channels: int, device: torch.device) -> RandomFeatures:
    """The frozen net of the perceptual term; its weights are constants.

    Args:
        channels: Channels of the images.
        device: Device that the weights lie on.
    """
    return RandomFeatures(channels).to(device)


def simple_objective(objective: Objective, forward: ForwardPass) -> Cost:
    """w_t times the loss of the prediction, float32 [B], in units of the loss.

    Args:
        objective: The tables and settings of the config.
        forward: The pass of the net over a slice of a batch.

    Source: Ho et al. 2020, eq. 14.
    """
    return Cost(objective.regression(forward), None)


def hybrid_objective(objective: Objective, forward: ForwardPass) -> Cost:
    """`simple` + vlb_weight T L_t, float32 [B], where the bound trains the variance alone.

    Args:
        objective: The tables and settings of the config.
        forward: The pass of the net over a slice of a batch.

    Source: Nichol & Dhariwal 2021, eq. 16.
    """
    bound = objective.bound(forward, variance_alone=True)
    T, weight = objective.diffusion.timesteps, objective.config.vlb_weight
    return Cost(hybrid_loss(objective.regression(forward), bound, T, weight), bound)


def vlb_objective(objective: Objective, forward: ForwardPass) -> Cost:
    """T L_t in bits per dimension, float32 [B]: one term drawn uniformly, T times, estimates the sum over t.

    Args:
        objective: The tables and settings of the config.
        forward: The pass of the net over a slice of a batch.

    Source: Ho et al. 2020, eq. 5.
    """
    bound = objective.bound(forward, variance_alone=False)
    return Cost(objective.diffusion.timesteps * bound, bound)


OBJECTIVES: dict[str, Callable[[Objective, ForwardPass], Cost]] = {
    "simple": simple_objective,
    "hybrid": hybrid_objective,
    "vlb": vlb_objective,
}
