"""The next seeds of a study that stops decided arms: those that its interim analyses so far leave to be trained."""

from __future__ import annotations

from collections.abc import Sequence

from sweep.config.designs.arms import BASELINE, Arm
from sweep.config.keys import train_key
from sweep.config.study import Study
from sweep.planning.arms import arms_of
from sweep.planning.cells import cells_of
from sweep.planning.trial_records import TrialRecords, is_over
from sweep.planning.tuning import tuning_runs_of
from sweep.scoring.metrics import metric_of
from sweep.statistics.alpha_spending import AlphaSpending
from sweep.statistics.stopping import Stopping, stopping
from sweep.store.records import NewCell
from sweep.store.states import Phase


def seeds_due(study: Study, known: TrialRecords) -> list[NewCell]:
    """Cells beyond the first analysis that are due and do not exist, or that ask for another run now.

    Args:
        study: The study.
        known: What the store holds of it.

    Returns:
        None for a study that does not stop decided arms, and before its arms are known.
    """
    if not study.stops_decided:
        return []
    arms = _compared(study, known)
    if not arms:
        return []
    decided = stopping_of(study, known, [arm.name for arm in arms if not arm.is_baseline])
    existing = {(c.arm_name, c.replicate): c.train_key for c in known.cells if c.phase == Phase.CONFIRM}
    due = []
    for arm in arms:
        seeds = decided.baseline_seeds if arm.is_baseline else decided.seeds[arm.name]
        for cell in cells_of(study, arm, phase=Phase.CONFIRM, replicates=seeds):
            if existing.get((cell.arm_name, cell.replicate)) != train_key(cell.train_config):
                due.append(cell)
    return due


def stopping_of(study: Study, known: TrialRecords, arms: Sequence[str]) -> Stopping:
    """What the scores so far decide.

    Args:
        study: A study with interim analyses.
        known: What the store holds of it.
        arms: Names of the arms that are compared with the baseline.
    """
    scores: dict[str, dict[int, float | None]] = {}
    scored: set[str] = set()
    for cell in known.cells:
        if cell.phase != Phase.CONFIRM or not is_over(cell):
            continue
        value = known.value(cell)
        if value is not None and cell.arm_name != BASELINE:
            scored.add(cell.arm_name)
        scores.setdefault(cell.arm_name, {})[cell.replicate] = value if cell.excluded_reason is None else None
    interim = study.interim_analyses
    assert interim is not None
    return stopping(
        AlphaSpending(seeds=interim.at, shape=interim.shape),
        scores.get(BASELINE, {}),
        {arm: scores.get(arm, {}) for arm in arms},
        may_be_ratio=metric_of(study.metric).ratio,
        stated_effect=study.smallest_effect,
        family=len(scored),
    )


def _compared(study: Study, known: TrialRecords) -> list[Arm]:
    """The baseline and the arms beside it on fresh seeds, as their design has them by now."""
    if study.design.cells_are_known(study):
        return list(arms_of(study))
    requests = study.design.next_cells(study, tuning_runs_of(study), known)
    return [request.arm for request in requests if not request.is_exploratory]
