"""Everything of a training that has an address on the device, and the step over it.

A captured step reads and writes fixed addresses. So this state outlives a run: the next run whose key is equal is
written over it, and begins at once. Of a config, what the step reads from tensors may differ between them: seed,
length, learning rate and its schedule, noise schedule, weighting, decays. All else is part of `step_state_key`.
"""

from __future__ import annotations

from dataclasses import fields, replace

import torch
from torch import Tensor

from sweep.config.keys import canonical_json
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.nets.cuda_graph import Replay, replayed
from sweep.training.batch import assemble
from sweep.training.ema import ConstantEMA
from sweep.training.interfaces import RunContext
from sweep.training.objective import Objective, build_net
from sweep.training.optimizers import build_optimizer, restart_optimizer, set_lr
from sweep.training.power_ema import PowerAverages
from sweep.training.prefetch import Prefetcher
from sweep.training.seeding import dropout_stream
from sweep.training.timesteps import ImportanceSampler

IN_TENSORS = frozenset({
    "seed", "images", "lr", "lr_schedule", "warmup_images",
    "schedule", "beta_1", "beta_T", "zero_terminal_snr", "schedule_formula", "schedule_betas",
    "weighting", "weight_clip", "gamma", "p2_k", "p2_gamma",
    "ema_decays", "ema_starts", "power_ema", "power_ema_snapshots",
})  # fmt: skip


def step_state_key(config: TrainConfig, dataset: Dataset, context: RunContext, sync_every_steps: int) -> str:
    """Runs of equal keys differ in the values of tensors alone."""
    told = config.model_dump(mode="json", exclude=set(IN_TENSORS))
    decays = {decay for decay in config.ema_decays if decay}
    averages = [len(decays) + len(set(config.ema_starts)), *config.power_ema]
    here = [str(context.device), context.micro_batches, context.channels_last, sync_every_steps, dataset.content_sha256]
    return canonical_json([told, averages, here])


class StepState:
    """Net, optimizer, averages, tables and data of one run after another.

    Args:
        config: The first run.
        dataset: The data that `config.data` names.
        context: Device, layout and micro-batches.
        sync_every_steps: Steps that the host draws ahead.
        replay: How the step is run; another than the usual one is for tests and comparisons.

    Raises:
        InfeasibleConfig: The config's values make no sense together or with these images.
    """

    def __init__(
        self,
        config: TrainConfig,
        dataset: Dataset,
        context: RunContext,
        sync_every_steps: int,
        replay: Replay = replayed,
    ) -> None:
        device = context.device
        self.config = config
        self.context = context
        self._dataset = dataset
        self.objective = Objective.of(config, device)
        net = build_net(config, channels=dataset.channels, size=dataset.size, seed=config.seed).to(device)
        self.net = net.to(memory_format=torch.channels_last) if context.channels_last else net
        self.optimizer = build_optimizer(config, self.net.parameters())
        self.averages = ConstantEMA(self.net, config.ema_decays, config.ema_starts)
        self.power = PowerAverages(self.net, config) if config.power_ema else None
        self.importance = ImportanceSampler(config.T, device) if config.t_sampling == "importance" else None
        self.images = dataset.train.to(device)
        self.loss, self.norm = torch.zeros((), device=device), torch.zeros((), device=device)
        """Of the last step: its mean loss, and the global norm of its gradients before clipping."""
        self._prefetcher = Prefetcher(config, tuple(self.images.shape), device, self._shares, sync_every_steps)
        self._step = replay(self._act, device)

    def restart(self, config: TrainConfig) -> None:
        """Become the state of another run of equal key, in place.

        Raises:
            InfeasibleConfig: As at the start.
        """
        fresh = Objective.of(config, self.context.device)
        self.objective.weights.copy_(fresh.weights)
        for field in fields(fresh.diffusion):
            getattr(self.objective.diffusion, field.name).copy_(getattr(fresh.diffusion, field.name))
        self.objective = replace(self.objective, config=config)
        self.config = config
        net = build_net(config, channels=self._dataset.channels, size=self._dataset.size, seed=config.seed)
        self.net.load_state_dict(net.state_dict())
        restart_optimizer(self.optimizer)
        self.averages.restart(config.ema_decays, config.ema_starts)
        if self.power is not None:
            self.power.restart(config)
        if self.importance is not None:
            self.importance.restart()
        self._prefetcher.restart(config, self._shares)

    def _shares(self, step: int) -> list[float]:
        power = self.power.shares(step) if self.power is not None else []
        return [*self.averages.shares(step), *power]

    def advance(self, step: int) -> None:
        """Optimizer step `step`, from 1."""
        self._prefetcher.seek(step)
        with dropout_stream(self.config.seed, step, self.context.device):
            self._step()
        self.averages.steps += 1
        if self.power is not None:
            self.power.count()

    def backward(self, step: int) -> Tensor:
        """Add the gradients of the batch of `step`; returns its mean loss, a scalar on the device."""
        self._prefetcher.seek(step)
        return self._backward()

    def _act(self) -> None:
        set_lr(self.optimizer, self._prefetcher.lr())
        self.optimizer.zero_grad(set_to_none=True)
        self.loss.copy_(self._backward())
        self.norm.copy_(self._clip())
        self.optimizer.step()
        shares = self._prefetcher.shares()
        powers = len(self.config.power_ema)
        self.averages.move(shares[: len(shares) - powers])
        if self.power is not None:
            self.power.move(shares[len(shares) - powers :])

    def _backward(self) -> Tensor:
        batch = assemble(self.images, self._prefetcher.draws(), self._prefetcher.noise, self.importance)
        total = torch.zeros((), device=self.context.device)
        bounds = []
        for part in batch.split(self.context.micro_batches):
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


class StepStateCache:
    """The state of the last run of a process, for the next one. A training that ends in an error must not leave one."""

    def __init__(self) -> None:
        self._key = ""
        self._step_state: StepState | None = None

    def at_start(self, config: TrainConfig, dataset: Dataset, context: RunContext, sync_every_steps: int) -> StepState:
        """The state at the start of a run: that of the run before, written over, where it fits; else a new one.

        Raises:
            InfeasibleConfig: The config's values make no sense together or with these images.
        """
        key = step_state_key(config, dataset, context, sync_every_steps)
        if self._step_state is not None and key == self._key:
            self._step_state.restart(config)
            return self._step_state
        self._step_state = None  # its memory goes before the next one asks for as much
        self._step_state = StepState(config, dataset, context, sync_every_steps)
        self._key = key
        return self._step_state
