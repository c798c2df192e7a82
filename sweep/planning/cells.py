"""From arms to cells: which runs a study asks for, and which scores of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sweep.config.designs.arms import Arm
from sweep.config.designs.tuning import CellRequest
from sweep.config.earlier_weights import EarlierWeights
from sweep.config.factors import Changes, setting_with
from sweep.config.part_names import EmaStart
from sweep.config.run import EVAL_FIELDS, EvalConfig, Setting, TrainConfig
from sweep.config.study import Study
from sweep.diffusion.facts import ScheduleFacts
from sweep.planning.arms import evaluation_levels
from sweep.planning.error_location import met_at
from sweep.planning.feasibility import check_evaluation, check_setting, check_weights
from sweep.planning.rungs import first_rung_step
from sweep.store.records import NewCell, ScoreRequest
from sweep.store.states import Phase

# Search trials train on a seed that no confirmation run uses: winners must win again on fresh ones.
SEARCH_SEED_OFFSET = 1_000_000


@dataclass(frozen=True)
class Evaluation:
    """How every run of a study is scored: worked out once, since a study has hundreds of arms.

    Attributes:
        levels: What each score changes, the primary one first.
        decays: EMA decays that every run keeps, so that each is scored from one checkpoint.
        starts: The same of averages that start otherwise than `corrected`, each with its decay.
        earlier: Averages that every run also keeps as they were earlier, to be scored as they were.
    """

    levels: list[Changes]
    decays: tuple[float, ...]
    starts: tuple[tuple[EmaStart, float], ...]
    earlier: tuple[EarlierWeights, ...]


def evaluation_of(study: Study) -> Evaluation:
    """The scores that a study asks of every run."""
    levels = evaluation_levels(study)
    settings = [study.setting(level) for level in levels]
    averages = {(setting.ema_start, setting.ema_decay) for setting in settings if setting.ema_decay > 0.0}
    decays = tuple(sorted({decay for start, decay in averages if start == "corrected"}))
    starts = tuple(sorted(one for one in averages if one[0] != "corrected"))
    return Evaluation(levels, decays, starts, _earlier_weights(settings))


def _earlier_weights(settings: Iterable[Setting]) -> tuple[EarlierWeights, ...]:
    """The averages that scores read as they were before the end; those of a width are made of snapshots."""
    earlier = [each for each in settings if each.training_share < 1.0 and each.ema_std is None]
    weights = {
        (each.training_share, each.ema_start if each.ema_decay else "corrected", each.ema_decay) for each in earlier
    }
    return tuple(sorted(weights))


def score_requests_of(evaluation: Evaluation, setting: Setting) -> list[ScoreRequest]:
    """The scores asked of one run: the primary one first, then the other evaluation levels.

    Args:
        evaluation: The evaluation levels of the study.
        setting: Baseline of the study with the changes of an arm.

    Raises:
        InfeasibleConfig: one of them cannot be sampled.
    """
    score_requests = []
    for changes in evaluation.levels:
        if setting.own_parts:
            config = setting_with(setting, changes).eval_config()
        else:  # the same, and quicker: there are hundreds of arms
            fields = {field: getattr(setting, field) for field in EVAL_FIELDS} | changes
            config = EvalConfig.model_validate(fields)
        with met_at(changes):
            check_evaluation(config, T=setting.T)
            check_weights(setting, config)
        score_requests.append(ScoreRequest(level=dict(changes), eval_config=config, is_primary=not changes))
    return score_requests


def checked_facts(study: Study, arm: Arm) -> ScheduleFacts | None:
    """The facts of an arm's schedule, if it can be trained and sampled.

    Args:
        study: Whose arm it is.
        arm: The difference from the baseline.

    Returns:
        The facts; None where they need code of a plugin, or where images are given and no schedule has a part in it.

    Raises:
        InfeasibleConfig: The arm cannot be trained or sampled.
    """
    item = study.design.item(arm.name, 0)
    if item is not None and item.is_images:
        return None
    return check_setting(study.setting(arm.changes), name=arm.name)


def cells_of(
    study: Study,
    arm: Arm,
    *,
    phase: Phase,
    trial_number: int | None = None,
    evaluation: Evaluation | None = None,
    facts: ScheduleFacts | None = None,
    replicates: int | None = None,
) -> list[NewCell]:
    """The cells of one arm: every seed of it in the confirm phase, and as many as the design says in the search phase.

    Replicate r has the same seed in every arm, so that arms are compared with equal initialisation, data order and
    noise.

    Args:
        study: Whose arm it is.
        arm: The difference from the baseline.
        phase: `search` trains on seeds that the verdict never uses.
        trial_number: Optuna's, of a trial.
        evaluation: That of the study; worked out where None.
        facts: Those of the arm's schedule, where its setting was checked already.
        replicates: How many of the confirm phase; None for all, or for those of the first analysis where decided arms
            are stopped.

    Raises:
        InfeasibleConfig: the arm cannot be trained or sampled.
    """
    setting = study.setting(arm.changes)
    if facts is None:
        with met_at(arm.changes):
            facts = checked_facts(study, arm)
    evaluation = evaluation or evaluation_of(study)
    score_requests = score_requests_of(evaluation, setting)
    first_seed, count = study.first_seed, study.first_seeds if replicates is None else replicates
    count = study.design.replicates(arm.name) or count
    until_step = None
    if phase == Phase.SEARCH:
        first_seed += SEARCH_SEED_OFFSET
        until_step = first_rung_step(study, batch=setting.batch, images=setting.images)
        count = study.design.exploratory_replicates()
    return [
        NewCell(
            arm_name=arm.name,
            phase=phase,
            replicate=replicate,
            train_config=_run_of(study, arm, setting, evaluation, first_seed, replicate),
            facts=facts,
            score_requests=score_requests,
            trial_number=trial_number,
            until_step=until_step,
        )
        for replicate in range(count)
    ]


def _run_of(
    study: Study, arm: Arm, setting: Setting, evaluation: Evaluation, first_seed: int, replicate: int
) -> TrainConfig:
    seed, item = first_seed + replicate, study.design.item(arm.name, replicate)
    if item is not None:
        return setting.train_config(seed=seed, ema_decays=()).model_copy(update={"given": item})
    return setting.train_config(
        seed=seed, ema_decays=evaluation.decays, ema_starts=evaluation.starts, earlier=evaluation.earlier
    )


def cells_of_request(study: Study, request: CellRequest) -> list[NewCell]:
    """The cells that a design asks for on the way.

    Args:
        study: Whose design it is.
        request: What it asks for.

    Raises:
        InfeasibleConfig: As `cells_of`.
    """
    return cells_of(study, request.arm, phase=Phase.SEARCH if request.is_exploratory else Phase.CONFIRM)
