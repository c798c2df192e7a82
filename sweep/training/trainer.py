"""A training, step by step. Read `make_step` and then downwards: each function calls those below it.

`Training`, at the end, is what the loop drives: a run between two of its steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sweep.config.keys import train_key
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.errors import CheckpointError
from sweep.nets.arithmetic import ARITHMETIC, float32_products
from sweep.training.batch import Batch, assemble
from sweep.training.interfaces import RunContext
from sweep.training.lr_schedules import lr_at
from sweep.training.metrics_buffer import MetricsBuffer
from sweep.training.optimizers import load_optimizer, set_lr
from sweep.training.seeding import dropout_stream
from sweep.training.step_state import StepState, StepStateCache
from sweep.training.validation import validation_batch, validation_loss


def make_step(state: StepState, step: int) -> None:
    """Make one optimizer step.

    Args:
        state: State of the run after the step before.
        step: Number of the step, counted from 1.
    """
    state.prefetcher.seek(step)  # the host draws, for a block of steps at once
    with dropout_stream(state.config.seed, step, state.context.device):
        state.executed(training_step)()  # on a GPU captured as one CUDA graph
    state.count_step()


# Ho et al. 2020, algorithm 1
def training_step(state: StepState) -> None:
    """What one step computes on the device. It reads and writes fixed addresses alone, so that it can be captured.

    Args:
        state: State of the run; its prefetcher stands at the step.
    """
    batch = prefetched_batch(state)
    state.optimizer.zero_grad(set_to_none=True)
    state.loss.copy_(accumulate_gradients(state, batch))
    state.norm.copy_(clip_gradients(state))
    set_lr(state.optimizer, state.prefetcher.lr())
    state.optimizer.step()
    state.move_averages(state.prefetcher.shares())


def prefetched_batch(state: StepState) -> Batch:
    """The batch of the step that the prefetcher stands at: images, their t, and their noise."""
    drawn = state.prefetcher
    return assemble(state.images, drawn.draws(), drawn.noise, state.importance, state.labels)


def accumulate_gradients(state: StepState, batch: Batch) -> Tensor:
    """Add the gradients of a batch to those of the net, one micro-batch after another.

    Args:
        state: State of the run.
        batch: The whole batch.

    Returns:
        Mean loss of the batch, a scalar on the device.
    """
    objective = state.objective
    total = torch.zeros((), device=state.context.device)
    bounds = []
    for part in batch.split(state.context.micro_batches):
        x_t = objective.diffusion.q_sample(part.x0, part.i, part.noise)
        with float32_products(ARITHMETIC[state.config.precision].float32_products):
            cost = objective.cost_of_batch(state.net, x_t, part)
            loss = cost.loss.sum() / state.config.batch
            loss.backward()  # type: ignore[no-untyped-call] # torch declares no types for it
        total += loss.detach()
        bounds.append(cost.bound)
    if state.importance is not None:
        state.importance.update(batch.i, torch.cat([bound for bound in bounds if bound is not None]))
    return total


def clip_gradients(state: StepState) -> Tensor:
    """Scale the gradients down to the config's `grad_clip`, without waiting for the device.

    Returns:
        Their global norm before, a scalar on the device.
    """
    params = list(state.net.parameters())
    norm = torch.nn.utils.get_total_norm([p.grad for p in params if p.grad is not None], foreach=True)
    if state.config.grad_clip is not None:
        torch.nn.utils.clip_grads_with_norm_(params, state.config.grad_clip, norm, foreach=True)
    return norm


class Training:
    """A run after `step` optimizer steps, with the current window of its curves.

    Args:
        config: Config of the run.
        dataset: The data that `config.data` names.
        context: Device, memory format and micro-batches.
        sync_every_steps: Steps between two reads of the loss from the device; a loss that is not finite is found then.
        cache: Lends the state of the run before where it fits; that run must be over.

    Raises:
        InfeasibleConfig: The config's values make no sense together or with these images.
    """

    def __init__(
        self,
        config: TrainConfig,
        dataset: Dataset,
        context: RunContext,
        *,
        sync_every_steps: int = 50,
        cache: StepStateCache | None = None,
    ) -> None:
        self.config = config
        self.context = context
        self.step = 0
        state = (cache or StepStateCache()).at_start(config, dataset, context, sync_every_steps)
        self.step_state = state
        self.net, self.objective, self.optimizer = state.net, state.objective, state.optimizer
        self.averages, self.power, self.importance = state.averages, state.power, state.importance
        self.metrics_buffer = MetricsBuffer(sync_every_steps, context.device)
        classes = dataset.class_of("validation") if config.conditional else None
        self.held_out = validation_batch(dataset.validation, config.T, config.seed, context.device, classes)

    def advance(self) -> None:
        """Make the next optimizer step.

        Raises:
            Diverged: A step since the last flush was not finite.
        """
        if self.metrics_buffer.full:
            self.metrics_buffer.flush()
        self.step += 1
        make_step(self.step_state, self.step)
        self.metrics_buffer.record(self.step, self.step_state.loss, self.step_state.norm)

    def metrics(self, *, validate: bool) -> dict[str, float]:
        """Means over the steps since the last call.

        Args:
            validate: Whether to compute the validation loss, too; there is none where no image is held out for it.

        Returns:
            By name, as `Progress.metrics` but for the speed.

        Raises:
            Diverged: A step since the last flush was not finite.
        """
        self.metrics_buffer.flush()
        losses, norms, limit = self.metrics_buffer.losses, self.metrics_buffer.norms, self.config.grad_clip
        clipped = sum(norm > limit for norm in norms) if limit is not None else 0
        metrics = {
            "train_loss": sum(losses) / len(losses),
            "grad_norm": sum(norms) / len(norms),
            "clip_fraction": clipped / len(norms),
            "lr": lr_at(self.config, (self.step - 1) * self.config.batch),
        }
        if validate and len(self.held_out.i):
            metrics["validation_loss"] = validation_loss(self.net, self.objective, self.held_out)
        self.metrics_buffer.clear()
        return metrics

    def state_dict(self) -> dict[str, object]:
        """All that the steps to come depend on, but for the config and the data; tensors are not copied.

        Raises:
            Diverged: A step since the last flush was not finite; such a state is not worth keeping.
        """
        self.metrics_buffer.flush()
        optional = {"power": self.power, "importance": self.importance}
        earlier = self.step_state.earlier.rows()
        return {
            "train_key": train_key(self.config),
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averages": self.averages.state_dict(),
            "trace": self.metrics_buffer.state_dict(),
            **{name: part.state_dict() for name, part in optional.items() if part is not None},
            **({"earlier": earlier} if earlier else {}),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a `state_dict` made on the same kind of device.

        Raises:
            CheckpointError: It is of another run, or lacks something.
        """
        if state.get("train_key") != train_key(self.config):
            raise CheckpointError("the checkpoint is of another run", why="its config differs from this one")
        try:
            self.net.load_state_dict(state["net"])
            load_optimizer(self.optimizer, state["optimizer"])
            self.averages.load_state_dict(state["averages"])
            self.metrics_buffer.load_state_dict(state["trace"])
            if self.power is not None:
                self.power.load_state_dict(state["power"])
            if self.importance is not None:
                self.importance.load_state_dict(state["importance"])
            self.step_state.earlier.load_rows(state.get("earlier", ()))
            self.step = state["step"]
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}", why="it was not written by this version") from error
