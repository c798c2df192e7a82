"""Whether a setting uses classes as it can, and whether its samples can be guided."""

from __future__ import annotations

from sweep.config.run import EvalConfig, TrainSettings
from sweep.config.values import shortest
from sweep.errors import InfeasibleConfig
from sweep.training.power_profiles import snapshot_steps


def check_labels(setting: TrainSettings) -> None:
    """Classes are dropped from nets that see them alone.

    Args:
        setting: The training.

    Raises:
        InfeasibleConfig: The net sees none.
    """
    if setting.label_dropout and not setting.conditional:
        raise InfeasibleConfig(
            f"label_dropout: {shortest(setting.label_dropout)} of a net that sees no classes.",
            why="There is nothing to drop.",
            next="Add conditional: true, or remove label_dropout.",
        )


def check_guidance(setting: TrainSettings, evaluation: EvalConfig) -> None:
    """The training must leave behind the two predictions that guidance lies between.

    Args:
        setting: The training.
        evaluation: How samples are drawn.

    Raises:
        InfeasibleConfig: It does not; the message names the field that is missing.
    """
    if evaluation.guidance_scale == 1.0:
        return
    scale = f"guidance_scale: {shortest(evaluation.guidance_scale)}"
    if evaluation.guidance_kind == "autoguidance":
        _check_earlier_net(setting, evaluation, scale)
    elif not setting.conditional:
        raise InfeasibleConfig(
            f"{scale} of a net that sees no classes.",
            why="Classifier-free guidance leads away from the net without the class.",
            next="Train with conditional: true and label_dropout: 0.1, or set guidance_kind: autoguidance.",
        )
    elif setting.label_dropout == 0.0:
        raise InfeasibleConfig(
            f"{scale} without label_dropout.",
            why="The net never saw an image without its class, so its prediction without one means nothing.",
            next="Set label_dropout: 0.1 in the baseline.",
        )


def _check_earlier_net(setting: TrainSettings, evaluation: EvalConfig, scale: str) -> None:
    if not setting.power_ema:
        raise InfeasibleConfig(
            f"{scale} with guidance_kind: autoguidance and no power_ema.",
            why="The weaker net is an earlier snapshot of the run, which the training keeps only when asked.",
            next="Set power_ema: [0.05] in the baseline.",
        )
    first = snapshot_steps(setting.steps, setting.power_ema_snapshots)[0]
    if first > evaluation.weaker_step(setting.steps):
        raise InfeasibleConfig(
            f"guidance_at: {shortest(evaluation.guidance_at)} is before the first snapshot.",
            why=f"The first is of step {first:,} of {setting.steps:,}.",
            next="Choose a later one, or raise power_ema_snapshots.",
        )
