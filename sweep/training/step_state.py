"""Everything that an optimizer step reads and writes on the device.

A captured step reads and writes fixed addresses. So this state serves several runs: the next run whose key is equal is
written over it, and begins at once. Of a config, what the step reads from tensors may differ between the two runs:
seed, length, learning rate and its schedule, noise schedule, weighting, decays. All else is part of `step_state_key`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import fields, replace

import torch
from torch import Tensor, nn

from sweep.config.keys import canonical_json
from sweep.config.own_part import OwnPart
from sweep.config.run import TrainConfig
from sweep.data.dataset import Dataset
from sweep.diffusion.targets import LinearTarget
from sweep.nets.cuda_graph import Capture, Execution, StepFn, capture_of, captured_on_gpu, eager, release_memory
from sweep.training.batch import Labels
from sweep.training.earlier_weights import EarlierAverages
from sweep.training.ema import ConstantEMA
from sweep.training.initial_net import build_net
from sweep.training.interfaces import RunContext
from sweep.training.objective import Objective
from sweep.training.optimizers import build_optimizer, restart_optimizer
from sweep.training.power_ema import PowerAverages
from sweep.training.prefetch import Prefetcher
from sweep.training.starting_weights import load_starting_weights
from sweep.training.timesteps import ImportanceSampler

IN_TENSORS = frozenset(
    {
        *("seed", "images", "lr", "lr_schedule", "warmup_images"),
        *("schedule", "beta_1", "beta_T", "zero_terminal_snr", "schedule_formula", "schedule_betas"),
        *("weighting", "weight_clip", "gamma", "p2_k", "p2_gamma"),
        *("ema_decays", "ema_starts", "power_ema", "power_ema_snapshots", "earlier_weights"),
    }
)
"""Fields of a config that a step reads from tensors."""


def step_state_key(config: TrainConfig, dataset: Dataset, context: RunContext, sync_every_steps: int) -> str:
    """The key of the state of a run's steps: runs of equal keys differ in the values of tensors alone.

    Args:
        config: Config of the run.
        dataset: The data that `config.data` names.
        context: Device, memory format and micro-batches of the run.
        sync_every_steps: Steps between two reads of the loss from the device.

    Returns:
        Canonical JSON.
    """
    baked_in = config.model_dump(mode="json", exclude=set(IN_TENSORS))
    decays = {decay for decay in config.ema_decays if decay}
    averages = [len(decays) + len(set(config.ema_starts)), *config.power_ema]
    execution = [str(context.device), context.micro_batches, context.channels_last, sync_every_steps]
    images = dataset.labelled_sha256 if config.conditional else dataset.content_sha256
    return canonical_json([baked_in, averages, [*execution, images]])


class StepState:
    """Net, optimizer, averages, tables and data of one run after another.

    Args:
        config: Config of the first run.
        dataset: The data that `config.data` names.
        context: Device, memory format and micro-batches.
        sync_every_steps: Most steps that the host draws at once.
        execution: How the step is run; another than the usual one is for tests and comparisons.

    Raises:
        InfeasibleConfig: The config's values make no sense together or with these images.
    """

    def __init__(
        self,
        config: TrainConfig,
        dataset: Dataset,
        context: RunContext,
        sync_every_steps: int,
        execution: Execution = captured_on_gpu,
    ) -> None:
        device = context.device
        self.config = config
        self.context = context
        self._dataset = dataset
        self.objective = Objective.of(config, device)
        net = self._initial_net(config)
        layout = torch.channels_last if context.channels_last else torch.preserve_format
        self.net: nn.Module = net.to(device, memory_format=layout)  # type: ignore[call-overload] # torch's types lack it
        self.optimizer = build_optimizer(config, self.net.parameters())
        self.averages = ConstantEMA(self.net, config.ema_decays, config.ema_starts)
        self.power = PowerAverages(self.net, config) if config.power_ema else None
        self.earlier = EarlierAverages(config)
        self.importance = ImportanceSampler(config.T, device) if config.t_sampling == "importance" else None
        self.images = dataset.train.to(device)
        self.labels: Labels | None = None
        if config.conditional:
            self.labels = Labels(dataset.class_of("train").to(device), len(dataset.classes))
        self.loss = torch.zeros((), device=device)
        """Mean loss of the last step's batch."""
        self.norm = torch.zeros((), device=device)
        """Global norm of the last step's gradients before clipping."""
        self.prefetcher = Prefetcher(config, tuple(self.images.shape), device, self._shares_fn(), sync_every_steps)
        # Their Python code runs at each step, as it would anywhere else: a captured step would not count on its own.
        runs_python = isinstance(config.optimizer, OwnPart) or isinstance(config.objective, OwnPart)
        self._execution = eager if runs_python else execution
        self._step_fn: StepFn | None = None

    def executed(self, step: Callable[[StepState], None]) -> StepFn:
        """A step over this state as it is run on the device: captured at the first request, and the same ever after.

        Args:
            step: The step; must be the same function at each request.
        """
        if self._step_fn is None:
            state = weakref.proxy(self)  # it keeps the step; one that kept it in turn would outlive its last user
            self._step_fn = self._execution(lambda: step(state), self.context.device)
        return self._step_fn

    @property
    def capture(self) -> Capture | None:
        """Whether the step is launched as one CUDA graph; None before the first step."""
        return None if self._step_fn is None else capture_of(self._step_fn)

    def restart(self, config: TrainConfig) -> None:
        """Become the state of another run of equal key, in place.

        Raises:
            InfeasibleConfig: As at the start.
        """
        fresh = Objective.of(config, self.context.device)
        self.objective.weights.copy_(fresh.weights)
        for field in fields(fresh.diffusion):
            getattr(self.objective.diffusion, field.name).copy_(getattr(fresh.diffusion, field.name))
        if isinstance(self.objective.target, LinearTarget) and isinstance(fresh.target, LinearTarget):
            self.objective.target.copy_(fresh.target)
        self.objective = replace(self.objective, config=config)
        self.config = config
        net = self._initial_net(config)
        self.net.load_state_dict(net.state_dict())
        restart_optimizer(self.optimizer)
        self.averages.restart(config.ema_decays, config.ema_starts)
        self.earlier = EarlierAverages(config)
        if self.power is not None:
            self.power.restart(config)
        if self.importance is not None:
            self.importance.restart()
        self.prefetcher.restart(config, self._shares_fn())

    def _initial_net(self, config: TrainConfig) -> nn.Module:
        images = self._dataset
        classes = len(images.classes) if config.conditional else 0
        net = build_net(config, channels=images.channels, size=images.size, classes=classes, seed=config.seed)
        if config.init_from is not None:
            assert self.context.starting_weights is not None
            load_starting_weights(net, self.context.starting_weights)
        return net

    def _shares_fn(self) -> Callable[[int], list[float]]:
        averages, power = self.averages, self.power

        def shares(step: int) -> list[float]:
            return [*averages.shares(step), *(power.shares(step) if power is not None else [])]

        return shares

    def move_averages(self, shares: Tensor) -> None:
        """Move every average towards the weights as they are now: the device's part.

        Args:
            shares: How far each average moves, float32 [averages] on the device.
        """
        constant = len(shares) - len(self.config.power_ema)
        self.averages.move(shares[:constant])
        if self.power is not None:
            self.power.move(shares[constant:])

    def count_step(self) -> None:
        """Count a step that the averages have moved by, and keep weights where they are due: the host's part."""
        self.averages.steps += 1
        self.earlier.keep(self.averages)
        if self.power is not None:
            self.power.count()


class StepStateCache:
    """The state of the last run of a process, for the next one. A training that ends in an error must not leave one."""

    def __init__(self) -> None:
        self._key = ""
        self._step_state: StepState | None = None

    def at_start(self, config: TrainConfig, dataset: Dataset, context: RunContext, sync_every_steps: int) -> StepState:
        """The state at the start of a run: that of the run before, written over, where it fits; else a new one.

        Args:
            config: Config of the run that starts.
            dataset: The data that `config.data` names.
            context: Device, memory format and micro-batches of the run.
            sync_every_steps: Steps between two reads of the loss from the device.

        Raises:
            InfeasibleConfig: The config's values make no sense together or with these images.
        """
        key = step_state_key(config, dataset, context, sync_every_steps)
        own_optimizer = isinstance(config.optimizer, OwnPart)  # how its state begins is not known
        if self._step_state is not None and key == self._key and not own_optimizer:
            self._step_state.restart(config)
            return self._step_state
        self._step_state = None  # its memory goes before the next one asks for as much
        release_memory(context.device)
        self._step_state = StepState(config, dataset, context, sync_every_steps)
        self._key = key
        return self._step_state
