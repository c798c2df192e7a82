"""Exponential moving averages of a net's weights: several decays and ways to start at once."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from sweep.config.run import EmaStart

Weights = dict[str, Tensor]


def float_tensors(net: nn.Module) -> Weights:
    """Parameters and floating-point buffers by name, not copied: what is averaged. Counters are not."""
    tensors = net.state_dict(keep_vars=True)
    return {name: tensor.detach() for name, tensor in tensors.items() if tensor.is_floating_point()}


class MovingAverages:
    """Several averages of one net, float32, that move together: each a row over all of its floating-point tensors.

    How far each moves is a tensor, so that a captured step serves any decays. Sums are float32 whatever the net holds:
    in bfloat16 a step of 1 - d = 1e-4 is lost in rounding.

    Args:
        net: Its tensors must stay where they are: move it to its device before.
        count: Of averages; they begin at 0.
    """

    def __init__(self, net: nn.Module, count: int) -> None:
        self.live = float_tensors(net)
        sizes = [tensor.numel() for tensor in self.live.values()]
        device = next(iter(self.live.values())).device
        self._rows = torch.zeros(count, sum(sizes), device=device)
        # One row in, all averages on: two kernels whatever their number and that of the parameters.
        self._now = torch.zeros(sum(sizes) if count else 0, device=device)
        self._parts = self._views(self._now) if count else []

    def _views(self, row: Tensor) -> list[Tensor]:
        parts = torch.split(row, [tensor.numel() for tensor in self.live.values()])
        return [part.view(tensor.shape) for part, tensor in zip(parts, self.live.values(), strict=True)]

    def tensors(self, k: int) -> list[Tensor]:
        """Average k, in the shapes and the order of `live`; not copied."""
        return self._views(self._rows[k])

    def move(self, shares: Tensor) -> None:
        """Move each average by its share, float32 [count] on the device, of the way to the weights as they are now."""
        if self._parts:
            torch._foreach_copy_(self._parts, list(self.live.values()))
            self._rows.lerp_(self._now, shares[:, None])

    def begin(self, k: int) -> None:
        """Put average k at the weights as they are now, in place."""
        torch._foreach_copy_(self.tensors(k), list(self.live.values()))

    def reset(self) -> None:
        """Back to 0, in place."""
        self._rows.zero_()


def corrected(decay: float, step: int) -> float:  # noqa: ARG001
    """From 0, and divided by 1 - d^n at the end: over the steps taken alone, as Adam's moments are. d_n = d.

    Source: Kingma & Ba 2015, sec. 3.
    """
    return decay


def initial(decay: float, step: int) -> float:  # noqa: ARG001
    """From the initial weights, of which d^n stays in the average: 90 % after 1000 steps of d = 0.9999. d_n = d.

    Source: Ho et al. 2020, released code.
    """
    return decay


def ramp(decay: float, step: int) -> float:
    """d_n = min(d, (1 + k)/(10 + k)), k = n - 1, and d_1 = 0: reaches 0.9 at n = 81 and 0.999 at n = 8991.

    Source: TensorFlow; diffusers' default.
    """
    return 0.0 if step == 1 else min(decay, step / (9 + step))


def ramp_power(decay: float, step: int) -> float:
    """d_n = min(d, 1 - n^(-3/4)): reaches 0.999 at n = 10,000 and 0.9999 at n = 215,443.

    Source: diffusers' use_ema_warmup.
    """
    return min(decay, 1.0 - math.pow(step, -0.75))


def ramp_half_life(decay: float, step: int) -> float:
    """Half-life, in steps, of at most a twentieth of the steps before n: d_n = 2^(-1/min(h, (n - 1)/20)), d_1 = 0.

    Source: Karras et al. 2022 (EDM), released code.
    """
    half_life = min(math.log(2) / -math.log(decay), 0.05 * (step - 1))
    return 0.0 if step == 1 else math.pow(0.5, 1.0 / half_life)


# (decay d in (0, 1), step n from 1) -> d_n: how much of the average before is kept at step n.
EMA_STARTS: Mapping[EmaStart, Callable[[float, int], float]] = {
    "corrected": corrected,
    "initial": initial,
    "ramp": ramp,
    "ramp_power": ramp_power,
    "ramp_half_life": ramp_half_life,
}

Tracked = tuple[EmaStart, float]
"""How an average starts, and its decay."""


class ConstantEMA:
    """One average for each start and decay d, of the net's weights after each of the optimizer's steps.

        theta_bar_n = d_n theta_bar_{n-1} + (1 - d_n) theta_n          d_n of `EMA_STARTS`

    How an average starts matters until n is several times 1 / (1 - d). `corrected` has no part of the initial weights
    in it whatever n, and so one decay means the same in short and in long runs; `initial` keeps d^n of them, and a
    sweep over d would measure the length of the run; the ramps begin with d_1 = 0 and average over a share of the run
    until d is reached.

    Args:
        net: Its tensors must stay where they are: move it to its device before.
        decays: Of `corrected` averages, each in (0, 1). The raw weights, decay 0, are always there and need no copy.
        starts: Further averages.

    Source: Polyak & Juditsky 1992; Ho et al. 2020, appendix B.
    """

    def __init__(self, net: nn.Module, decays: Iterable[float], starts: Iterable[Tracked] = ()) -> None:
        self.net = net
        self.steps = 0
        self._tracked = _tracked(decays, starts)
        self._averages = MovingAverages(net, len(self._tracked))
        self._begin()

    def _begin(self) -> None:
        for k, (start, _) in enumerate(self._tracked):
            if start == "initial":
                self._averages.begin(k)

    @property
    def decays(self) -> tuple[float, ...]:
        """The decays that `weights` knows as `corrected`, ascending; the first is 0, the raw weights."""
        return (0.0, *sorted(decay for start, decay in self._tracked if start == "corrected"))

    def shares(self, step: int) -> list[float]:
        """How far each average moves after optimizer step `step`, from 1: 1 - d_n."""
        return [1.0 - EMA_STARTS[start](decay, step) for start, decay in self._tracked]

    def update(self) -> None:
        """Take in the weights as they are now: once after every optimizer step."""
        device = next(iter(self._averages.live.values())).device
        self.move(torch.tensor(self.shares(self.steps + 1), dtype=torch.float32, device=device))
        self.steps += 1

    def move(self, shares: Tensor) -> None:
        """The part of `update` that a device does; shares float32 [averages] on it."""
        self._averages.move(shares)

    def restart(self, decays: Iterable[float], starts: Iterable[Tracked] = ()) -> None:
        """Begin anew with as many averages, in place, at the weights that the net has now."""
        tracked = _tracked(decays, starts)
        assert len(tracked) == len(self._tracked), (tracked, self._tracked)
        self.steps, self._tracked = 0, tracked
        self._averages.reset()
        self._begin()

    def _sums(self) -> dict[AverageKey, list[Tensor]]:
        return {average_key(*tracked): self._averages.tensors(k) for k, tracked in enumerate(self._tracked)}

    def weights(self, decay: float, start: EmaStart = "corrected") -> Weights:
        """Averaged weights under the names of `net.state_dict()`, each in the dtype it has there; copies.

        Args:
            decay: One that is tracked. Integer buffers, and everything at decay 0 or before the first update, are
                those of the net.
            start: With which it is tracked.
        """
        weights = {name: tensor.detach().clone() for name, tensor in self.net.state_dict().items()}
        if decay and self.steps:
            bias = decay**self.steps if start == "corrected" else 0.0
            sums = self._sums()[average_key(start, decay)]
            for (name, tensor), total in zip(self._averages.live.items(), sums, strict=True):
                weights[name] = (total / (1.0 - bias)).to(tensor.dtype)
        return weights

    def products(self) -> dict[AverageKey, Weights]:
        """Raw weights and every average, by `average_key`; copies."""
        others = [tracked for tracked in self._tracked if tracked[0] != "corrected"]
        return {decay: self.weights(decay) for decay in self.decays} | {
            average_key(start, decay): self.weights(decay, start) for start, decay in others
        }

    def state_dict(self) -> dict[str, object]:
        """What `load_state_dict` of another instance with the same net and averages needs; not copied."""
        return {"steps": self.steps, "sums": self._sums()}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue from a `state_dict`."""
        steps, sums = state["steps"], state["sums"]
        assert isinstance(steps, int)
        assert isinstance(sums, dict)
        mine = self._sums()
        assert sums.keys() == mine.keys()
        self.steps = steps
        for key, saved in sums.items():
            torch._foreach_copy_(mine[key], saved)


AverageKey = float | tuple[str, float]
"""Name of an average in files."""


def average_key(start: EmaStart, decay: float) -> AverageKey:
    """The decay alone where it is `corrected` or 0, the raw weights, which no start changes; else both."""
    # Interned: pickle writes a name once for each object, and the bytes of a file shall be a function of the numbers.
    return decay if start == "corrected" or not decay else (sys.intern(start), decay)


def _tracked(decays: Iterable[float], starts: Iterable[Tracked]) -> tuple[Tracked, ...]:
    corrected_ones: list[Tracked] = [("corrected", decay) for decay in decays]
    return tuple(dict.fromkeys(one for one in (*corrected_ones, *starts) if one[1]))
