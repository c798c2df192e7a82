"""Whether a setting makes sense before anything is trained, and the facts of its schedule."""

from __future__ import annotations

from sweep.config.earlier_weights import step_at
from sweep.config.own_part import OwnPart
from sweep.config.run import EvalConfig, Setting, TrainConfig, TrainSettings
from sweep.config.values import shortest
from sweep.data.facts import DATASET_FACTS
from sweep.diffusion.facts import ScheduleFacts
from sweep.diffusion.feasibility import check_target
from sweep.diffusion.schedule_facts import schedule_facts
from sweep.diffusion.spacing import sampling_indices, stratum_edges
from sweep.errors import InfeasibleConfig, UsageError
from sweep.limits import MAX_PARAMETERS
from sweep.nets.registry import NETS
from sweep.planning.guidance import check_guidance, check_labels
from sweep.quantities import quantity
from sweep.training.noise_tables import betas_of, check_objective, target_table_of, weights_of
from sweep.training.power_profiles import possible_stds, representable, snapshot_steps


def check_setting(setting: Setting, *, name: str) -> ScheduleFacts | None:
    """The facts of a setting's schedule, if it can be trained and sampled; None where they need code of a plugin.

    Args:
        setting: Baseline of the study with the changes of an arm.
        name: Name of the arm, for the message.

    Raises:
        InfeasibleConfig: naming the arm, with the reason and the way out.
    """
    try:
        facts = check_training(setting)
        check_evaluation(setting, T=setting.T)
        check_weights(setting, setting)
    except UsageError as error:
        raise InfeasibleConfig(f"arm `{name}`: {error.what}", why=error.why, next=error.next) from None
    return facts


def check_training(setting: TrainSettings | TrainConfig) -> ScheduleFacts | None:
    """Net, schedule, target, weights and objective of a training, each against the others.

    What depends on the code of a plugin is left to a process that has loaded it.
    """
    check_net(setting)
    check_labels(setting)
    check_objective(setting)
    if not tables_are_known(setting):
        return None
    betas = betas_of(setting)
    check_target(target_table_of(setting, betas), betas)
    weights_of(setting, betas)  # raises where a weight is not finite
    return schedule_facts(betas)


def tables_are_known(setting: TrainSettings) -> bool:
    """Whether this process can compute the tables of a setting: it has loaded the plugins that they come from."""
    return all(
        not isinstance(part, OwnPart) or part.is_loaded
        for part in (setting.schedule, setting.target, setting.weighting)
    )


def check_net(setting: TrainSettings | TrainConfig) -> None:
    """The sizes of a net must fit each other and the images; those of a plugin's net are known when its code runs."""
    net, facts = setting.net, DATASET_FACTS.get(setting.data.name)
    count_weights = NETS[net.kind].weights
    if count_weights is None or isinstance(setting.objective, OwnPart):
        _check_no_features_needed(setting)
    if count_weights is None:
        return
    try:
        weights = count_weights(
            net.model_dump(exclude={"kind"}),
            image_channels=facts.channels if facts is not None else 1,
            image_size=facts.size if facts is not None else setting.data.size,
        )
    except InfeasibleConfig as error:
        raise InfeasibleConfig(f"net: {error.what}", why=error.why, next=error.next) from None
    _check_weights_fit(weights)


def _check_no_features_needed(setting: TrainSettings) -> None:
    if setting.contrastive_weight or setting.dispersive_weight or setting.perceptual_weight:
        raise InfeasibleConfig(
            "a net or an objective of a plugin takes no contrastive, dispersive or perceptual loss",
            why="Their step reads the features in the middle of the net, which only nets of this package state, and "
            "adds to an objective of this package.",
            next="Set contrastive_weight, dispersive_weight and perceptual_weight to 0.",
        )


def _check_weights_fit(weights: int) -> None:
    if weights > MAX_PARAMETERS:
        raise InfeasibleConfig(
            f"net: it would have {weights:.2g} parameters; {MAX_PARAMETERS:,} are the most",
            why="Neither a device nor the database holds more.",
            next="Choose fewer channels, layers or resolutions.",
        )


def check_evaluation(evaluation: Setting | EvalConfig, *, T: int) -> None:
    """The t that an evaluation visits must exist.

    Args:
        evaluation: How samples are drawn.
        T: Number of diffusion steps of the training.
    """
    if not isinstance(evaluation.spacing, OwnPart):  # that of a plugin is tried by the check of the plugin
        sampling_indices(evaluation.spacing, T, evaluation.sampling_steps)
    if evaluation.bits_per_dim is not None:
        stratum_edges(T, evaluation.bits_per_dim)
    beyond = [s for s in evaluation.partial_noising if s > T]
    if beyond:
        raise InfeasibleConfig(
            f"partial_noising to t = {beyond[0]} of a chain with T = {T}.",
            why="There is no such t.",
            next=f"Use t of 1..{T}.",
        )


def check_weights(setting: TrainSettings, evaluation: EvalConfig) -> None:
    """The training must leave behind what the evaluation reads: weights, a variance, a guiding net.

    Args:
        setting: Baseline of the study with the changes of an arm.
        evaluation: How samples are drawn, and from which weights.
    """
    check_guidance(setting, evaluation)
    step = step_at(evaluation.training_share, setting.steps)
    if step == 0 and setting.steps:
        raise InfeasibleConfig(
            f"a score after {shortest(evaluation.training_share)} of {quantity(setting.steps, 'step')}.",
            why="That is before the first step.",
            next=f"Choose {shortest(1.0 / setting.steps)} or more.",
        )
    if evaluation.variance == "learned_range" and not setting.learned_variance:
        raise InfeasibleConfig(
            "variance: learned_range of a net that states no variance.",
            why="Its output has the channels of the image and no more.",
            next="Train with learned_variance: true and objective: hybrid, or take a fixed variance.",
        )
    if evaluation.ema_std is None:
        return
    if not setting.power_ema:
        raise InfeasibleConfig(
            f"ema_std: {shortest(evaluation.ema_std)} without power_ema.",
            why="Such an average is made of snapshots, which the training keeps only when asked.",
            next="Set power_ema: [0.05, 0.1] in the baseline.",
        )
    steps_of_snapshots = [each for each in snapshot_steps(setting.steps, setting.power_ema_snapshots) if each <= step]
    profiles = [(std, each) for std in setting.power_ema for each in steps_of_snapshots]
    if not profiles or not representable(profiles, evaluation.ema_std, step):
        possible = possible_stds(profiles, step) if profiles else []
        widths = f"{possible[0]:.3f}..{possible[-1]:.3f}" if possible else "none"
        raise InfeasibleConfig(
            f"ema_std: {shortest(evaluation.ema_std)} cannot be made of {quantity(len(profiles), 'snapshot')}.",
            why=f"Those of power_ema {list(setting.power_ema)} can stand for {widths}.",
            next="Choose a width among these, or raise power_ema_snapshots.",
        )
