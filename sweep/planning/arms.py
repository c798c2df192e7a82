"""From a study to its arms and its evaluation levels."""

from __future__ import annotations

from sweep.config.designs.arms import BASELINE, Arm
from sweep.config.factors import Changes
from sweep.config.problems import cut
from sweep.config.study import Study
from sweep.errors import InfeasibleConfig
from sweep.limits import MAX_ARMS, MAX_NAME


def arms_of(study: Study) -> list[Arm]:
    """The arms that a study's design asks for, baseline first.

    An arm is written as its difference from the baseline; one that differs in nothing is left out.

    Args:
        study: One study.

    Raises:
        InfeasibleConfig: two arms under different names are the same setting, an arm's name is too long, there are too
            many arms, or no arm at all.
    """
    arms = [Arm(BASELINE, {})]
    seen = {study.baseline.model_dump_json(): BASELINE}
    for arm in study.design.arms(study):
        _check_name(arm)
        setting = study.setting(arm.changes).model_dump_json()
        if seen.get(setting) == BASELINE:
            continue
        if setting in seen:
            raise InfeasibleConfig(
                f"arms `{seen[setting]}` and `{arm.name}` are the same setting",
                why="Each would be trained once and counted twice.",
                next="Remove one of the two levels from the study file.",
            )
        seen[setting] = arm.name
        arms.append(arm)
        if len(arms) > MAX_ARMS:
            raise InfeasibleConfig(
                f"`{study.design.kind}` makes more than {MAX_ARMS} arms, and {MAX_ARMS} are the most",
                why="Each is trained once a seed, and the verdict is shared between all of them.",
                next="Use `design: fractional` or `search`, or fewer levels.",
            )
    if len(arms) == 1 and study.factors_of("scientific") and not study.design.arms_are_trials:
        raise InfeasibleConfig(
            "every level of every scientific factor is the baseline's",
            why="There would be nothing to compare.",
            next="Name other levels.",
        )
    return arms


def _check_name(arm: Arm) -> None:
    if len(arm.name) > MAX_NAME:
        raise InfeasibleConfig(
            f"the arm's name {cut(arm.name, MAX_NAME)!r} is longer than {MAX_NAME} characters",
            why="It could not be stored or printed.",
            next="Give levels short names: {short: {field: value}}.",
        )


def evaluation_levels(study: Study) -> list[Changes]:
    """Evaluation levels scored from each run: the baseline's first, then each other level of each factor alone.

    The shares of the training at which runs are scored come last, at the baseline's level of everything else.
    """
    levels: list[Changes] = [{}]
    for factor in study.factors_of("evaluation"):
        for changes in study.levels_of(factor).values():
            if study.setting(changes) != study.baseline:
                levels.append(changes)
    earlier: list[Changes] = [{"training_share": share} for share in study.protocol.along]
    return levels + [changes for changes in earlier if study.setting(changes) != study.baseline]
