"""Which t a batch trains on: uniform, or in proportion to how much each term of the bound contributes."""

from __future__ import annotations

import torch
from torch import Tensor

from sweep.training.seeding import generator

# Nichol & Dhariwal 2021, sec. 3.3: the ten last values of each term; a floor on p_t from the released code.
HISTORY = 10
UNIFORM_SHARE = 0.001


def draw_uniform(seed: int, step: int, T: int, batch: int) -> Tensor:
    """t of each image of a batch, uniform on the chain: a function of (seed, step).

    Args:
        seed: Seed of the run.
        step: Number of the optimizer step, counted from 1.
        T: Length of the training chain.
        batch: Images of a batch.

    Returns:
        Code indices i = t - 1, int64 [batch] on the CPU.

    Source: Ho et al. 2020, algorithm 1.
    """
    return torch.randint(T, (batch,), generator=generator(seed, "t", step))


def draw_shares(seed: int, step: int, batch: int) -> Tensor:
    """Where in the distribution of t each image of a batch falls: a function of (seed, step).

    Args:
        seed: Seed of the run.
        step: Number of the optimizer step, counted from 1.
        batch: Images of a batch.

    Returns:
        Uniform on [0, 1), float64 [batch] on the CPU.
    """
    return torch.rand(batch, dtype=torch.float64, generator=generator(seed, "t", step))


class ImportanceSampler:
    """t drawn in proportion to the root mean square of the last ten values of L_t.

    Uniform until each t has ten. The history is part of a checkpoint, so that a resumed run draws the same t.

    Args:
        T: Length of the chain.
        device: Where the losses are.

    Source: Nichol & Dhariwal 2021, eq. 18.
    """

    def __init__(self, T: int, device: torch.device) -> None:
        self._values = torch.zeros(T, HISTORY, device=device)
        self._counts = torch.zeros(T, dtype=torch.int64, device=device)

    # Nichol & Dhariwal 2021, eq. 18
    @property
    def probabilities(self) -> Tensor:
        """p_t, float64 [T]."""
        T = len(self._counts)
        size = self._values.double().square().mean(1).sqrt()
        p = size / size.sum().clamp(min=torch.finfo(torch.float64).tiny)
        mixed = (1 - UNIFORM_SHARE) * p + UNIFORM_SHARE / T
        return torch.where(self._counts.min() >= HISTORY, mixed, torch.full_like(mixed, 1 / T))

    def draw(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Code indices, int64 [B], and the weights 1 / (T p_t), float32 [B], that keep the loss unbiased.

        Args:
            u: What `draw_shares` drew, float64 [B] on the device of the losses.
        """
        p = self.probabilities
        edges = p.cumsum(0)
        i = torch.searchsorted(edges, u * edges[-1], right=True).clamp(max=len(p) - 1)
        return i, (1 / (len(p) * p[i])).float()

    def update(self, i: Tensor, terms: Tensor) -> None:
        """Take in the terms of a step; of more than ten at one t, the last ten.

        Args:
            i: Code index of each image, int64 [B].
            terms: Term L_t of each image, float [B].
        """
        order = torch.argsort(i, stable=True)
        i, terms = i[order], terms.detach()[order].float()
        # Not bincount: it asks the device for the largest index, and waits.
        drawn = torch.zeros_like(self._counts).index_add_(0, i, torch.ones_like(i))
        rank = torch.arange(len(i), device=i.device) - (drawn.cumsum(0) - drawn)[i]
        is_stored = rank >= drawn[i] - HISTORY
        # What is not stored goes to a column of its own: a mask of unknown length would wait for the device.
        slot = torch.where(is_stored, (self._counts[i] + rank) % HISTORY, torch.full_like(rank, HISTORY))
        values = torch.cat([self._values, self._values[:, :1]], dim=1)
        values[i, slot] = terms
        self._values.copy_(values[:, :HISTORY])
        self._counts += drawn

    def restart(self) -> None:
        """Forget all losses, in place."""
        self._values.zero_()
        self._counts.zero_()

    def state_dict(self) -> dict[str, Tensor]:
        """What `load_state_dict` of another instance needs; not copied."""
        return {"values": self._values, "counts": self._counts}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from a `state_dict` of the same T."""
        self._values.copy_(state["values"])
        self._counts.copy_(state["counts"])
