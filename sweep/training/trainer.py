"""The state of one run between two optimizer steps."""

from __future__ import annotations

from torch import Tensor

from sweep.config.keys import train_key
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.errors import CheckpointError
from sweep.training.interfaces import RunContext
from sweep.training.lr_schedules import lr_at
from sweep.training.metrics_buffer import MetricsBuffer
from sweep.training.optimizers import load_optimizer
from sweep.training.step_state import StepStateCache
from sweep.training.validation import validation_batch, validation_loss


class Training:
    """Net, optimizer, averages and the current window of the curves, after `step` steps.

    Args:
        config: The run.
        dataset: The data that `config.data` names.
        context: Device, layout and micro-batches.
        sync_every_steps: Steps between readings of the loss from the device; a loss that is not finite is found then.
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
        self.step_state = (cache or StepStateCache()).at_start(config, dataset, context, sync_every_steps)
        self.net, self.objective, self.optimizer = (
            self.step_state.net,
            self.step_state.objective,
            self.step_state.optimizer,
        )
        self.averages, self.power, self.importance = (
            self.step_state.averages,
            self.step_state.power,
            self.step_state.importance,
        )
        self.metrics_buffer = MetricsBuffer(sync_every_steps, context.device)
        self.held_out = validation_batch(dataset.validation, config.T, config.seed, context.device)

    def advance(self) -> None:
        """One optimizer step.

        Raises:
            Diverged: A step since the last flush was not finite.
        """
        if self.metrics_buffer.full:
            self.metrics_buffer.flush()
        self.step += 1
        self.step_state.advance(self.step)
        self.metrics_buffer.record(self.step, self.step_state.loss, self.step_state.norm)

    def backward(self, step: int) -> Tensor:
        """Add the gradients of the batch of `step`; returns its mean loss, a scalar on the device."""
        return self.step_state.backward(step)

    def metrics(self, *, validate: bool) -> dict[str, float]:
        """Means over the steps since the last call, and the validation loss where asked for.

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
        if validate:
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
        return {
            "train_key": train_key(self.config),
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averages": self.averages.state_dict(),
            "trace": self.metrics_buffer.state_dict(),
            **{name: part.state_dict() for name, part in optional.items() if part is not None},
        }

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Continue from a `state_dict` made on the same kind of device.

        Raises:
            CheckpointError: It is of another run, or lacks something.
        """
        if state.get("train_key") != train_key(self.config):
            raise CheckpointError("the checkpoint is of another run", why="its config differs from this one")
        try:
            self.net.load_state_dict(state["net"])  # type: ignore[arg-type]
            load_optimizer(self.optimizer, state["optimizer"])  # type: ignore[arg-type]
            self.averages.load_state_dict(state["averages"])  # type: ignore[arg-type]
            self.metrics_buffer.load_state_dict(state["trace"])  # type: ignore[arg-type]
            if self.power is not None:
                self.power.load_state_dict(state["power"])  # type: ignore[arg-type]
            if self.importance is not None:
                self.importance.load_state_dict(state["importance"])  # type: ignore[arg-type]
            self.step = state["step"]  # type: ignore[assignment]
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}", why="it was not written by this version") from error
