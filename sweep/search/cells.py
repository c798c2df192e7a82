"""From arms to cells: which runs a study asks for, and which scores of each."""

from __future__ import annotations

from dataclasses import asdict

from sweep.config.design import Path
from sweep.config.run import EVAL_FIELDS, EmaStart, EvalConfig, Setting
from sweep.config.study import Study
from sweep.search.designs import Arm, evaluation_levels
from sweep.search.feasibility import check_evaluation, check_setting, check_weights
from sweep.search.places import met_at
from sweep.search.rungs import first_rung_step
from sweep.store.records import ChainFacts, NewCell, NewReading, Phase

# Search trials train on a seed that no confirmation run uses: winners must win again on fresh ones.
SEARCH_SEED_OFFSET = 1_000_000


def tracked_decays(study: Study) -> tuple[float, ...]:
    """EMA decays that every run of the study keeps, so that each is scored from one checkpoint."""
    return tuple(sorted({decay for start, decay in _averages(study) if start == "corrected"}))


def tracked_starts(study: Study) -> tuple[tuple[EmaStart, float], ...]:
    """The same of averages that start otherwise than `corrected`, each with its decay."""
    return tuple(sorted(one for one in _averages(study) if one[0] != "corrected"))


def _averages(study: Study) -> set[tuple[EmaStart, float]]:
    read = [study.setting(level) for level in evaluation_levels(study)]
    return {(setting.ema_start, setting.ema_decay) for setting in read if setting.ema_decay > 0.0}


def readings_of(study: Study, setting: Setting) -> list[NewReading]:
    """The scores asked of one run: the primary one first, then the other evaluation levels.

    Raises:
        InfeasibleConfig: one of them cannot be sampled.
    """
    readings = []
    for changes in evaluation_levels(study):
        fields = {field: getattr(setting, field) for field in EVAL_FIELDS} | changes
        config = EvalConfig.model_validate(fields)
        with met_at(changes):
            check_evaluation(config, T=setting.T)
            check_weights(setting, config)
        readings.append(NewReading(level=dict(changes), eval_config=config, is_primary=not changes))
    return readings


def cells_of(study: Study, arm: Arm, *, phase: Phase, trial_number: int | None = None) -> list[NewCell]:
    """The cells of one arm: every replicate of it in the confirm phase, one in the search phase (or as the path says).

    Replicate r has the same seed in every arm, so that arms are compared with equal initialisation, data order and
    noise.

    Raises:
        InfeasibleConfig: the arm cannot be trained or sampled.
    """
    setting = study.setting(arm.changes)
    with met_at(arm.changes):
        facts = ChainFacts(**asdict(check_setting(setting, name=arm.name)))
    readings = readings_of(study, setting)
    decays, starts = tracked_decays(study), tracked_starts(study)
    first_seed, replicates = study.first_seed, study.seeds
    until_step = None
    if phase == "search":
        first_seed += SEARCH_SEED_OFFSET
        until_step = first_rung_step(study, batch=setting.batch, images=setting.images)
        replicates = study.design.round_seeds if isinstance(study.design, Path) else 1
    return [
        NewCell(
            arm_name=arm.name,
            phase=phase,
            replicate=replicate,
            train_config=setting.train_config(seed=first_seed + replicate, ema_decays=decays, ema_starts=starts),
            facts=facts,
            readings=readings,
            trial_number=trial_number,
            until_step=until_step,
        )
        for replicate in range(replicates)
    ]
