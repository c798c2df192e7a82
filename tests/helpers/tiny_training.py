"""Configs for the tests of training."""

from __future__ import annotations

from typing import Any

from torch import nn

from sweep.config.run import TrainConfig
from sweep.training.batch import Batch
from sweep.training.objective import Cost, Objective

TINY_UNET = {
    "kind": "unet",
    "channels": 8,
    "channel_mults": (1, 2),
    "res_blocks": 1,
    "attention_resolutions": (),
    "groups": 4,
    "dropout": 0.1,
}
TINY_MLP = {"kind": "mlp", "width": 32, "depth": 1}


def tiny(steps: int = 12, batch: int = 8, **changes: Any) -> TrainConfig:
    """A run of `steps` steps on digits in which every source of randomness and every kind of state is in use."""
    fields: dict[str, Any] = {
        "net": TINY_UNET,
        "T": 50,
        "batch": batch,
        "images": steps * batch,
        "lr": 2e-3,
        "lr_schedule": "cosine",
        "warmup_images": 2 * batch,
        "flip": True,
        "ema_decays": (0.5, 0.99),
        "ema_starts": (("initial", 0.9), ("ramp", 0.99)),
    }
    return TrainConfig(**(fields | changes))


def cost_of(objective: Objective, net: nn.Module, batch: Batch) -> Cost:
    """The cost of a batch as `trainer.accumulate_gradients` computes it: noised, predicted, weighed."""
    x_t = objective.diffusion.q_sample(batch.x0, batch.i, batch.noise)
    return objective.cost(net, objective.predict(net, x_t, batch))
