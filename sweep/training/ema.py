"""Exponential moving averages of a net's weights: several decays and ways to start at once."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import nn

from sweep.config.part_names import EmaStart
from sweep.training.moving_averages import MovingAverages, Weights


def corrected(decay: float, step: int) -> float:  # noqa: ARG001 - as others of its registry
    """From 0, and divided by 1 - d^n at the end: over the steps taken alone, as Adam's moments are. d_n = d.

    Args:
        decay: Decay d in (0, 1).
        step: Number of the optimizer step, counted from 1.

    Source: Kingma & Ba 2015, sec. 3.
    """
    return decay


def initial(decay: float, step: int) -> float:  # noqa: ARG001 - as others of its registry
    """From the initial weights, of which d^n stays in the average: 90 % after 1000 steps of d = 0.9999. d_n = d.

    Args:
        decay: Decay d in (0, 1).
        step: Number of the optimizer step, counted from 1.

    Source: Ho et al. 2020, released code.
    """
    return decay


def ramp(decay: float, step: int) -> float:
    """d_n = min(d, (1 + k)/(10 + k)), k = n - 1, and d_1 = 0: reaches 0.9 at n = 81 and 0.999 at n = 8991.

    Args:
        decay: Decay d in (0, 1).
        step: Number of the optimizer step, counted from 1.

    Source: TensorFlow; diffusers' default.
    """
    return 0.0 if step == 1 else min(decay, step / (9 + step))


def ramp_power(decay: float, step: int) -> float:
    """d_n = min(d, 1 - n^(-3/4)): reaches 0.999 at n = 10,000 and 0.9999 at n = 215,443.

    Args:
        decay: Decay d in (0, 1).
        step: Number of the optimizer step, counted from 1.

    Source: diffusers' use_ema_warmup.
    """
    return min(decay, 1.0 - math.pow(step, -0.75))


def ramp_half_life(decay: float, step: int) -> float:
    """Half-life, in steps, of at most a twentieth of the steps before n: d_n = 2^(-1/min(h, (n - 1)/20)), d_1 = 0.

    Args:
        decay: Decay d in (0, 1).
        step: Number of the optimizer step, counted from 1.

    Source: Karras et al. 2022 (EDM), released code.
    """
    half_life = min(math.log(2) / -math.log(decay), 0.05 * (step - 1))
    return 0.0 if step == 1 else math.pow(0.5, 1.0 / half_life)


# (decay d in (0, 1), step n from 1) -> d_n: the share of the average before that stays at step n.
EMA_STARTS: Mapping[EmaStart, Callable[[float, int], float]] = {
    "corrected": corrected,
    "initial": initial,
    "ramp": ramp,
    "ramp_power": ramp_power,
    "ramp_half_life": ramp_half_life,
}

Tracked = tuple[EmaStart, float]
"""How an average starts, and its decay."""

AverageKey = float | tuple[str, float]
"""Name of an average in files."""


def average_key(start: EmaStart, decay: float) -> AverageKey:
    """Name of an average in files: the decay alone where it starts `corrected` or is 0, the raw weights; else both.

    Args:
        start: How the average starts, which changes nothing at decay 0.
        decay: Its decay, in [0, 1).
    """
    # Interned: pickle writes a name once for each object, and the bytes of a file shall be a function of the numbers.
    return decay if start == "corrected" or not decay else (sys.intern(start), decay)


def _tracked(decays: Iterable[float], starts: Iterable[Tracked]) -> tuple[Tracked, ...]:
    corrected_ones: list[Tracked] = [("corrected", decay) for decay in decays]
    return tuple(dict.fromkeys(one for one in (*corrected_ones, *starts) if one[1]))


class ConstantEMA(MovingAverages[AverageKey]):
    """One average for each start and decay d, of the net's weights after each of the optimizer's steps.

        theta_bar_n = d_n theta_bar_{n-1} + (1 - d_n) theta_n          d_n of `EMA_STARTS`

    How an average starts matters until n is several times 1 / (1 - d). `corrected` has no part of the initial weights
    in it whatever n, and so one decay means the same in short and in long runs; `initial` keeps d^n of them, and a
    sweep over d would measure the length of the run; the ramps begin with d_1 = 0 and average over a share of the run
    until d is reached.

    Args:
        net: The net. Its tensors must stay where they are: move it to its device before.
        decays: Decays of averages that start `corrected`, each in (0, 1). The raw weights, decay 0, are always there
            and need no copy.
        starts: Further averages: how each starts, and its decay.

    Source: Polyak & Juditsky 1992; Ho et al. 2020, appendix B.
    """

    stored_as = "sums"

    def __init__(self, net: nn.Module, decays: Iterable[float], starts: Iterable[Tracked] = ()) -> None:
        self.net = net
        self._tracked = _tracked(decays, starts)
        super().__init__(net, [average_key(*tracked) for tracked in self._tracked])
        self._begin()

    def _begin(self) -> None:
        for (start, _), tensors in zip(self._tracked, self.tensors().values(), strict=True):
            if start == "initial":
                torch._foreach_copy_(tensors, list(self.live.values()))

    @property
    def decays(self) -> tuple[float, ...]:
        """The decays that `weights` knows as `corrected`, ascending; the first is 0, the raw weights."""
        return (0.0, *sorted(decay for start, decay in self._tracked if start == "corrected"))

    def shares(self, step: int) -> list[float]:
        """How far each average moves after optimizer step `step`, from 1: 1 - d_n."""
        return [1.0 - EMA_STARTS[start](decay, step) for start, decay in self._tracked]

    def restart(self, decays: Iterable[float], starts: Iterable[Tracked] = ()) -> None:
        """Begin anew with as many averages, in place, at the weights that the net has now.

        Args:
            decays: Decays of averages that start `corrected`, each in (0, 1).
            starts: Further averages: how each starts, and its decay.
        """
        tracked = _tracked(decays, starts)
        assert len(tracked) == len(self._tracked), (tracked, self._tracked)
        self._tracked = tracked
        self._keys = tuple(average_key(*one) for one in tracked)
        self.reset()
        self._begin()

    def weights(self, decay: float, start: EmaStart = "corrected") -> Weights:
        """Averaged weights under the names of `net.state_dict()`, each in the dtype it has there; copies.

        Args:
            decay: A decay that is tracked. Integer buffers, and everything at decay 0 or before the first update, are
                those of the net.
            start: How the average with this decay started.
        """
        weights = {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}
        if decay and self.steps:
            bias = decay**self.steps if start == "corrected" else 0.0
            sums = self.tensors()[average_key(start, decay)]
            for (name, tensor), total in zip(self.live.items(), sums, strict=True):
                weights[name] = (total / (1.0 - bias)).to(tensor.dtype).contiguous()
        return weights

    def products(self) -> dict[AverageKey, Weights]:
        """Raw weights and every average, by `average_key`; copies."""
        others = [tracked for tracked in self._tracked if tracked[0] != "corrected"]
        return {decay: self.weights(decay) for decay in self.decays} | {
            average_key(start, decay): self.weights(decay, start) for start, decay in others
        }
