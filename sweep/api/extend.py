"""A study that grows after it was launched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweep.api.stored_study import stored_study
from sweep.config.durations import more_of, seconds_of
from sweep.config.study import Study, changed_study
from sweep.errors import UnknownName, UsageError
from sweep.executors.register import register
from sweep.planning.plan import study_plan
from sweep.store.sql.transaction import Store
from sweep.store.stored_config import study_spec


@dataclass(frozen=True)
class Extension:
    """A revision of a study that has more seeds, trials, device time or levels.

    Attributes:
        revision: Number of the revision.
        changes: What it has now, such as `seeds: 6`.
    """

    revision: int
    changes: list[str]

    def __str__(self) -> str:
        return f"revision {self.revision}: {', '.join(self.changes)}"

    __repr__ = __str__


def extend(
    name: str,
    *,
    seeds: int | str | None = None,
    trials: int | str | None = None,
    budget: str | None = None,
    levels: Mapping[str, Sequence[float | str]] | None = None,
    storage: str | None = None,
) -> Extension:
    """Add seeds, search trials or device time to a study. Existing runs stay, and running workers find the new work.

    Make the same change in the study file: a launch of the old file is refused.

    Args:
        name: Name of the study.
        seeds: The new number of seeds of every arm, such as 6, or `"+3"` for three more; None to leave it.
        trials: The new number of search trials, or `"+10"` for ten more; None to leave it.
        budget: The new device time, such as `"40h"`, or `"+40h"` for that much more; None to leave it.
        levels: Name of an evaluation factor -> levels to score, too, such as {"guidance_scale": [1.25, 1.75]}; runs are
            scored at them from their finished checkpoints, and nothing is trained. None to leave them.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Returns:
        The new revision of the study.

    Raises:
        UsageError: There is no such study, nothing is to be extended, a value does not fit, or the study has reached
            an interim analysis and may have no more seeds.
        StoreError: There is no database, or it cannot be changed.

    Example:
        sweep.extend("digits", seeds="+3")
    """
    with stored_study(name, storage, change=True) as (store, record):
        study = study_spec(record.spec, of=record.name)
        spec, changes = _extended_spec(study, seeds=seeds, trials=trials, budget=budget)
        for factor, added in (levels or {}).items():
            changes += _add_levels(study, spec, factor, added)
        if seeds is not None and study.interim_analyses is not None:
            changes.append(_add_interim_analysis(store, study, spec))
        if not changes:
            raise UsageError("nothing to extend", next="Give --seeds, --trials, --budget or --levels.")
        reason = "extended: " + ", ".join(changes)
        plan = study_plan(changed_study(spec))
        return Extension(register(store, plan, record.protocol, accept_change=True, reason=reason).revision, changes)


def _extended_spec(
    study: Study, *, seeds: int | str | None, trials: int | str | None, budget: str | None
) -> tuple[dict[str, Any], list[str]]:
    spec: dict[str, Any] = study.model_dump(mode="json")
    changes = []
    if seeds is not None:
        spec["seeds"] = more_of(str(seeds), study.seeds, "seeds")
        changes.append(f"seeds: {spec['seeds']}")
    if trials is not None:
        if not study.design.has_trials:
            raise UsageError(f"design {study.design.kind} has no trials", next="Use --seeds, or change the file.")
        spec["design"]["trials"] = more_of(str(trials), spec["design"]["trials"], "trials")
        changes.append(f"trials: {spec['design']['trials']}")
    if budget is not None:
        now = study.budget.gpu_hours if study.budget is not None and budget.startswith("+") else 0.0
        spec["budget"] = {"gpu_hours": now + seconds_of(budget.removeprefix("+")) / 3600.0}
        changes.append(f"budget: {spec['budget']['gpu_hours']:g} hours")
    return spec, changes


def _add_levels(study: Study, spec: dict[str, Any], name: str, added: Sequence[float | str]) -> list[str]:
    """Add levels of an evaluation factor to a spec; returns what was added."""
    known = study.factors_of("evaluation")
    if name not in known:
        raise UnknownName("evaluation factor", name, sorted(known))
    listed = known[name].levels
    if not isinstance(listed, list):
        raise UsageError(
            f"the levels of {name} have names, so more of them cannot be given as values",
            next="Add them to the study file, and launch it with --accept-change.",
        )
    new = [level for level in added if level not in listed]
    spec["factors"][name]["levels"] = [*listed, *new]
    return [f"{name}: {', '.join(str(level) for level in new)}"] if new else []


def _add_interim_analysis(store: Store, study: Study, spec: dict[str, Any]) -> str:
    """Declare one more interim analysis in a spec with more seeds; refused once an analysis was reached.

    The last analysis is at the last seed. After the first one, a part of the chance of error is spent.
    """
    from sweep.reporting.frames.frames import load_frames
    from sweep.reporting.stats.interim import current_interim_analysis

    analysis = current_interim_analysis(load_frames(store.engine, study.name))
    assert analysis is not None
    if analysis.number:
        raise UsageError(
            f"study {study.name!r} has reached its interim analysis after {analysis.seeds} seeds, so no "
            "seeds can be added",
            why="They would make another analysis that nobody planned, and the 5 % chance of a false finding would no "
            "longer hold.",
            next=f"Ask the question again on fresh seeds: a study with another name, `first_seed: "
            f"{study.first_seed + study.seeds}` and interim analyses of its own.",
        )
    declared = spec["interim_analyses"]
    declared["at"] = [*declared["at"], spec["seeds"]]
    return f"interim_analyses: {declared['at']}"
