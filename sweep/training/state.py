"""The state of one run between two optimizer steps, and the step."""

from __future__ import annotations

import torch
from torch import Tensor

from sweep.config.keys import train_key
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.errors import CheckpointError
from sweep.training.batch import draw_batch
from sweep.training.ema import ConstantEMA
from sweep.training.lr_schedules import lr_at
from sweep.training.objective import Objective, build_net
from sweep.training.optimizers import build_optimizer, set_lr
from sweep.training.power_ema import PowerAverages
from sweep.training.progress import Place
from sweep.training.seeding import dropout_stream
from sweep.training.timesteps import ImportanceSampler
from sweep.training.trace import Trace
from sweep.training.validation import validation_batch, validation_loss


class Training:
    """Net, optimizer, averages and the current window of the curves, after `step` steps.

    Args:
        config: The run.
        dataset: The data that `config.data` names.
        place: Device, layout and micro-batches.
        look_steps: Steps between looks for a loss that is not finite.

    Raises:
        InfeasibleConfig: The config's values make no sense together or with these images.
    """

    def __init__(self, config: TrainConfig, dataset: Dataset, place: Place, *, look_steps: int = 50) -> None:
        device = place.device
        self.config = config
        self.place = place
        self.step = 0
        self.objective = Objective.of(config, device)
        net = build_net(config, channels=dataset.channels, size=dataset.size, seed=config.seed).to(device)
        self.net = net.to(memory_format=torch.channels_last) if place.channels_last else net
        self.optimizer = build_optimizer(config, self.net.parameters())
        self.averages = ConstantEMA(self.net, config.ema_decays)
        self.power = PowerAverages(self.net, config) if config.power_ema else None
        self.importance = ImportanceSampler(config.T, device) if config.t_sampling == "importance" else None
        self.trace = Trace(look_steps, device)
        self.images = dataset.train.to(device)
        self.held_out = validation_batch(dataset.validation, config.T, config.seed, device)

    def advance(self) -> None:
        """One optimizer step.

        Raises:
            Diverged: A step since the last look was not finite.
        """
        if self.trace.full:
            self.trace.look()
        set_lr(self.optimizer, lr_at(self.config, self.step * self.config.batch))
        self.step += 1
        self.optimizer.zero_grad(set_to_none=True)
        with dropout_stream(self.config.seed, self.step, self.place.device):
            loss = self.backward(self.step)
        norm = self._clip()
        self.optimizer.step()
        self.averages.update()
        if self.power is not None:
            self.power.update()
        self.trace.record(self.step, loss, norm)

    def backward(self, step: int) -> Tensor:
        """Add the gradients of the batch of `step`; returns its mean loss, a scalar on the device."""
        batch = draw_batch(self.images, step, self.config, self.config.seed, self.importance)
        total = torch.zeros((), device=self.place.device)
        bounds = []
        for part in batch.split(self.place.micro_batches):
            cost = self.objective.cost(self.net, part)
            loss = cost.loss.sum() / self.config.batch
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.detach()
            bounds.append(cost.bound)
        if self.importance is not None:
            self.importance.update(batch.i, torch.cat([bound for bound in bounds if bound is not None]))
        return total

    def _clip(self) -> Tensor:
        """Scale the gradients down to `grad_clip`; returns their global norm before, without waiting for it."""
        params = list(self.net.parameters())
        norm = torch.nn.utils.get_total_norm([p.grad for p in params if p.grad is not None], foreach=True)
        if self.config.grad_clip is not None:
            torch.nn.utils.clip_grads_with_norm_(params, self.config.grad_clip, norm, foreach=True)
        return norm

    def metrics(self, *, validate: bool) -> dict[str, float]:
        """Means over the steps since the last call, and the validation loss where asked for.

        Raises:
            Diverged: A step since the last look was not finite.
        """
        self.trace.look()
        losses, norms, limit = self.trace.losses, self.trace.norms, self.config.grad_clip
        clipped = sum(norm > limit for norm in norms) if limit is not None else 0
        metrics = {
            "train_loss": sum(losses) / len(losses),
            "grad_norm": sum(norms) / len(norms),
            "clip_fraction": clipped / len(norms),
            "lr": lr_at(self.config, (self.step - 1) * self.config.batch),
        }
        if validate:
            metrics["validation_loss"] = validation_loss(self.net, self.objective, self.held_out)
        self.trace.clear()
        return metrics

    def state_dict(self) -> dict[str, object]:
        """All that the steps to come depend on, but for the config and the data; tensors are not copied.

        Raises:
            Diverged: A step since the last look was not finite; such a state is not worth keeping.
        """
        self.trace.look()
        optional = {"power": self.power, "importance": self.importance}
        return {
            "train_key": train_key(self.config),
            "step": self.step,
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "averages": self.averages.state_dict(),
            "trace": self.trace.state_dict(),
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
            self.optimizer.load_state_dict(state["optimizer"])  # type: ignore[arg-type]
            self.averages.load_state_dict(state["averages"])  # type: ignore[arg-type]
            self.trace.load_state_dict(state["trace"])  # type: ignore[arg-type]
            if self.power is not None:
                self.power.load_state_dict(state["power"])  # type: ignore[arg-type]
            if self.importance is not None:
                self.importance.load_state_dict(state["importance"])  # type: ignore[arg-type]
            self.step = state["step"]  # type: ignore[assignment]
        except KeyError as error:
            raise CheckpointError(f"the checkpoint lacks {error}", why="it was not written by this version") from error
