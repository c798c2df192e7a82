"""What a study wants next, given what is known: pure functions, one a kind of study.

Each says the whole of what it wants by now. What is there already is not added again, so a stage may be asked at any
time, and after a kill it goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.config.design import Path, Search
from sweep.config.factors import Changes, at_boundary
from sweep.config.study import Study
from sweep.design.arms import BASELINE, Arm, combined, named_levels
from sweep.design.tuning import Known, TuningRun, is_over, tuning_runs_of
from sweep.store.records import Phase
from sweep.store.snapshots import CellRecord


@dataclass(frozen=True)
class Request:
    """All replicates of an arm in one phase.

    Attributes:
        arm: As it is trained, tuned values included.
        event: Kind of the line in the log that says why; "" for none.
        detail: Of that line.
    """

    arm: Arm
    phase: Phase
    event: str = ""
    message: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def requests_of(study: Study, known: Known) -> list[Request]:
    """What is wanted by now beyond the cells that a launch adds and the trials that Optuna chooses."""
    if isinstance(study.design, Search):
        return _confirm_best(study, study.design, known)
    if isinstance(study.design, Path):
        return _path(study, known)
    return [_confirm_tuned(each, known) for each in tuning_runs_of(study) if known.explored(each)]


def _confirm_best(study: Study, design: Search, known: Known) -> list[Request]:
    """The best different trials and the baseline on fresh seeds, once all trials are over."""
    (tuning_run,) = tuning_runs_of(study)
    if not known.explored(tuning_run):
        return []
    best: dict[str, Arm] = {}
    for name, changes in known.ranked(tuning_run):
        if len(best) == design.confirm:
            break
        setting = study.setting(changes)
        if setting != study.baseline:
            best.setdefault(setting.model_dump_json(), Arm(name, changes))
    return [
        Request(arm, "confirm", "confirmed", f"{arm.name} is retrained on fresh seeds: place {place} of the search",
                {"arm": arm.name, "place": place, "boundary": boundaries(tuning_run, arm.changes)})
        for place, arm in enumerate(best.values(), start=1)
    ] + ([Request(Arm(BASELINE, {}), "confirm")] if best else [])  # fmt: skip


def _confirm_tuned(tuning_run: TuningRun, known: Known) -> Request:
    """An arm at its best nuisance values, on fresh seeds; as it stands where no trial of it has a score."""
    arm = tuning_run.arm
    ranked = known.ranked(tuning_run)
    if not ranked:
        message = f"{arm.name}: no trial has a score; it is trained untuned"
        return Request(arm, "confirm", "tuned", message, {"arm": arm.name, "changes": {}, "boundary": {}})
    tuned = {field: value for field, value in ranked[0][1].items() if field not in arm.changes}
    detail = {"arm": arm.name, "trial": ranked[0][0], "changes": tuned, "boundary": boundaries(tuning_run, tuned)}
    message = f"{arm.name} tuned in {tuning_run.trials} trials: {ranked[0][0]} is the best"
    return Request(Arm(arm.name, arm.changes | tuned), "confirm", "tuned", message, detail)


def boundaries(tuning_run: TuningRun, changes: Changes) -> dict[str, str]:
    """Factor -> `low` or `high`, of those whose chosen value lies at an end of what was tried."""
    ends = {name: at_boundary(factor, changes[name]) for name, factor in tuning_run.factors.items() if name in changes}
    return {name: end for name, end in ends.items() if end is not None}


def _path(study: Study, known: Known) -> list[Request]:
    """Greedy forward from the baseline (Fawcett & Hoos 2016), every candidate really trained.

    In each round every remaining factor is switched alone on top of those already taken, on exploratory seeds; the best
    is taken and retrained on fresh seeds. The last factor needs no round. Candidates without a score come last, equal
    ones in the order of the file.
    """
    named = named_levels(study)
    requests: list[Request] = []
    taken: list[str] = []
    while len(taken) < len(named):
        candidates = {f: combined(named, [*taken, f]) for f in named if f not in taken}
        values = dict.fromkeys(candidates, 0.0)
        if len(candidates) > 1:
            requests += [Request(arm, "search") for arm in candidates.values()]
            cells = {f: [c for c in known.cells if (c.arm_name, c.phase) == (arm.name, "search")]
                     for f, arm in candidates.items()}  # fmt: skip
            if not all(cells.values()) or not all(is_over(cell) for of_arm in cells.values() for cell in of_arm):
                return requests
            values = {factor: _mean(known, of_arm) for factor, of_arm in cells.items()}
        best = min(candidates, key=lambda factor: values[factor])
        taken.append(best)
        step = len(taken)
        message = f"step {step} of the path takes {best}"
        detail = {"step": step, "factor": best, "arm": candidates[best].name, "values": _finite(values)}
        requests.append(Request(candidates[best], "confirm", "path_step", message, detail))
    return requests


def _mean(known: Known, cells: Sequence[CellRecord]) -> float:
    """Of a candidate's replicates; infinite where one of them has no score."""
    values = [known.value(cell) for cell in cells if cell.excluded_reason is None]
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found and len(found) == len(values) else math.inf


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: value if math.isfinite(value) else None for name, value in values.items()}
