"""The numbers of a config that `plan` needs and torch does not: betas, loss weights, and what contradicts what."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sweep.config.own_part import OwnPart
from sweep.config.run import TrainSettings
from sweep.diffusion.chains import custom_schedule, validated, zero_terminal
from sweep.diffusion.levels import Levels
from sweep.diffusion.linear_targets import TargetTable
from sweep.diffusion.schedules import beta_schedule
from sweep.diffusion.weighting import floored_snr, loss_weights
from sweep.errors import DataError, InfeasibleConfig, UsageError

Array = NDArray[np.float64]


def betas_of(config: TrainSettings) -> Array:
    """Checked betas [T] of a config, float64, from a name, a formula, a list, or a plugin that this process has loaded.

    Raises:
        DataError: The plugin is not loaded.
        InfeasibleConfig: The values make no chain, or are not those of this kind of schedule.
        UsageError: The formula does not parse.
    """
    name = config.schedule.part if isinstance(config.schedule, OwnPart) else config.schedule
    written = [spec for spec in (config.schedule_formula, config.schedule_betas) if spec is not None]
    if config.schedule != "custom":
        if written:
            raise InfeasibleConfig(
                f"schedule {name} takes neither schedule_formula nor schedule_betas.",
                why="What is not read would look like a setting.",
                next="Set schedule: custom, or leave them out.",
            )
        if isinstance(config.schedule, OwnPart):
            own = table_of("schedule", config.schedule, {"T": config.T}, config.T)
            return _with_terminal(validated(own, name), config, name)
        return beta_schedule(
            config.schedule,
            config.T,
            beta_1=config.beta_1,
            beta_T=config.beta_T,
            zero_terminal_snr=config.zero_terminal_snr,
        )
    if len(written) != 1:
        raise InfeasibleConfig(
            "schedule: custom takes one of schedule_formula and schedule_betas.",
            why="Both are there." if written else "Neither is there.",
            next="Write alphas_bar as a formula in u = t/T, or list the T betas.",
        )
    try:
        betas = custom_schedule(written[0], config.T)
    except UsageError as error:
        key = "schedule_formula" if config.schedule_formula is not None else "schedule_betas"
        raise type(error)(f"{key}: {error.what}", why=error.why, next=error.next) from None
    return _with_terminal(betas, config, name)


def _with_terminal(betas: Array, config: TrainSettings, name: str) -> Array:
    return validated(zero_terminal(betas), f"{name} with zero_terminal_snr") if config.zero_terminal_snr else betas


def table_of(kind: str, part: OwnPart, given: Mapping[str, object], T: int, *, columns: int = 1) -> Array:
    """What a part of a plugin returns where a number for each t is expected, float64 [T]; [columns, T] of several.

    Args:
        kind: Name of the kind of the part.
        part: The part.
        given: What the kind gives to it.
        T: Length of the training chain.
        columns: How many numbers for each t it returns.

    Raises:
        DataError: This process has not loaded the plugin.
        InfeasibleConfig: The part raises an error, or returns something else.
    """
    try:
        table = np.array(part(kind, given), dtype=np.float64)
    except DataError:
        raise
    except Exception as error:
        raise InfeasibleConfig(
            f"{kind} {part.part} of a plugin raised an error at T = {T}",
            why=f"{type(error).__name__}: {error}",
            next="Correct the plugin.",
        ) from error
    expected = (T,) if columns == 1 else (columns, T)
    if table.shape != expected:
        count = "one number" if columns == 1 else f"{columns} numbers"
        raise InfeasibleConfig(
            f"{kind} {part.part} of a plugin returned shape {table.shape}; {count} for each t is expected, {expected}",
            next="Correct the plugin; sweep docs plugins says what holds.",
        )
    return table


def target_table_of(config: TrainSettings, betas: Array) -> str | TargetTable:
    """What the net of a config predicts: a name, or the coefficients that a plugin returns.

    Args:
        config: Config whose target is read.
        betas: Checked betas of the config, float64 [T].

    Raises:
        DataError: The plugin is not loaded.
        InfeasibleConfig: The part raises an error, or returns something else than two numbers for each t.
    """
    part = config.target
    if not isinstance(part, OwnPart):
        return part
    given = {"alphas_bar": Levels.of(betas).alphas_bar}
    columns = table_of("target", part, given, len(betas), columns=2)
    if not np.isfinite(columns).all():
        raise InfeasibleConfig(f"target {part} of a plugin is not finite", next="Correct the plugin.")
    return TargetTable(str(part), columns[0], columns[1])


def weights_of(config: TrainSettings, betas: Array) -> Array:
    """Loss weight of each t on what the net predicts, float64 [T].

    Args:
        config: Config whose weighting and target are read.
        betas: Checked betas of the config, float64 [T].

    Raises:
        DataError: The plugin of the weighting is not loaded.
        InfeasibleConfig: A weight is not finite.
    """
    own = config.weighting

    def of_plugin(at: Levels) -> Array:
        assert isinstance(own, OwnPart)
        given = {"snr": floored_snr(at), "alphas_bar": at.alphas_bar}
        return table_of("weighting", own, given, len(betas))

    return loss_weights(
        str(own),
        betas,
        function=of_plugin if isinstance(own, OwnPart) else None,
        target=target_table_of(config, betas),
        clip=config.weight_clip,
        gamma=config.gamma,
        p2_k=config.p2_k,
        p2_gamma=config.p2_gamma,
    )


def check_objective(config: TrainSettings) -> None:
    """Raise InfeasibleConfig where a setting would not be read, or an output of the net would never be trained."""
    if config.learned_variance and config.objective == "simple":
        raise InfeasibleConfig(
            "objective: simple does not train the variance of learned_variance.",
            why="A regression loss has no gradient in the variance half of the output.",
            next="Set objective: hybrid (Nichol & Dhariwal 2021) or vlb.",
        )
    if config.objective == "hybrid" and not config.learned_variance:
        raise InfeasibleConfig(
            "objective: hybrid without learned_variance is objective: simple.",
            why="In the hybrid the bound trains the variance alone (Nichol & Dhariwal 2021, sec. 3.1).",
            next="Set learned_variance: true.",
        )
    if config.t_sampling == "importance" and config.objective != "vlb":
        raise InfeasibleConfig(
            f"t_sampling: importance does not fit objective: {config.objective}.",
            why="It evens out the terms of the bound (Nichol & Dhariwal 2021, sec. 3.3), whose sizes differ by orders.",
            next="Set objective: vlb, or t_sampling: uniform.",
        )
    own = isinstance(config.objective, OwnPart)
    fields = ["loss", "weighting", "weight_clip"] + ["loss_term"] * own
    unread = [name for name in fields if not _is_default(config, name)]
    if own and unread:
        raise InfeasibleConfig(
            f"objective {config.objective} of a plugin does not read {', '.join(unread)}.",
            why="An objective of a plugin is the whole loss.",
            next="Leave them out, and give the objective what it needs of them as settings.",
        )
    if config.objective == "vlb" and unread:
        raise InfeasibleConfig(
            f"objective: vlb does not read {', '.join(unread)}.",
            why="The bound has its own distance and its own weights.",
            next="Leave them out; for squared errors with the weights of the bound, take objective: simple.",
        )


def _is_default(config: TrainSettings, name: str) -> bool:
    return bool(getattr(config, name) == type(config).model_fields[name].default)
