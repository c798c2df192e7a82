"""Whether the best evaluation level of an arm is the smallest or the largest that was scored."""

from __future__ import annotations

from collections.abc import Iterator

from sweep.commands import command
from sweep.config.factors import Factor
from sweep.reporting.formatting import join_words, value_in_words
from sweep.reporting.sections.study import ReportedStudy

MIN_LEVELS = 3
"""With fewer levels, one of them is always at an end."""


def own_best_warnings(study: ReportedStudy) -> Iterator[str]:
    """A sentence for each tuned factor of which some arm chose the smallest or the largest level.

    Args:
        study: The study, with its comparison.
    """
    tuned = study.own_best
    if tuned is None:
        return
    for factor in tuned_factors(study):
        levels = _numeric_levels(study, factor)
        if len(levels) < MIN_LEVELS:
            continue
        at_end: dict[float, list[str]] = {}
        for row in tuned.chosen.to_dict("records"):
            value = row["eval_config"].get(factor)
            alone = not row["level"] or set(row["level"]) == {factor}
            if alone and value in (min(levels), max(levels)) and row["arm"] not in at_end.get(value, []):
                at_end.setdefault(value, []).append(row["arm"])
        for value, arms in at_end.items():
            end = "smallest" if value == min(levels) else "largest"
            more = command("extend", study.frames.name, "--levels", f"{factor}=VALUE,...")
            yield (
                f"{factor} = {value_in_words(value)} is the {end} level that was scored, and the best of "
                f"{join_words(arms)}: a better one may lie beyond. Add levels without any training: {more}"
            )


def tuned_factors(study: ReportedStudy) -> list[str]:
    """Evaluation factors of which each arm chooses its own level.

    Args:
        study: The study, with its comparison.
    """
    return list((study.frames.spec.get("evaluation") or {}).get("tune", ()))


def _numeric_levels(study: ReportedStudy, factor: str) -> list[float]:
    """Levels of a factor with that of the baseline; none where they are no numbers."""
    listed = Factor.model_validate(study.frames.spec["factors"][factor]).levels
    if not isinstance(listed, list):
        return []
    scores = study.frames.scores
    primary = [config.get(factor) for config in scores.loc[scores["is_primary"], "eval_config"].head(1)]
    values = [*listed, *primary]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        return []
    return sorted({float(value) for value in values if isinstance(value, int | float)})
