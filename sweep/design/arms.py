"""From a study to its arms: pure functions, one a design.

An arm is written as its difference from the baseline. The baseline comes first; an arm that says what the baseline
already says is the baseline and is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from sweep.config.design import Fractional
from sweep.config.factors import Changes
from sweep.config.problems import cut
from sweep.config.study import Study
from sweep.design.fractional_factorial import Fraction, fraction_of
from sweep.errors import InfeasibleConfig
from sweep.limits import MAX_ARMS, MAX_NAME

BASELINE = "baseline"
ALL = "all"


@dataclass(frozen=True)
class Arm:
    """One combination of levels.

    Attributes:
        name: `factor=level`, joined by ` + `, or what the design calls it; unique in a study.
        changes: The settings that differ from the baseline: {field: value}.
    """

    name: str
    changes: Changes

    @property
    def is_baseline(self) -> bool:
        """Whether this is what the others are compared with."""
        return self.name == BASELINE


def arms_of(study: Study) -> list[Arm]:
    """The arms that a study's design asks for, baseline first.

    Raises:
        InfeasibleConfig: two arms under different names are the same setting, an arm's name is too long, there are too
            many arms, or no arm at all.
    """
    arms = [Arm(BASELINE, {})]
    seen = {study.baseline.model_dump_json(): BASELINE}
    for arm in DESIGNS[study.design.kind](study):
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
    if len(arms) == 1 and study.factors_of("scientific") and study.design.kind != "search":
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


def one_at_a_time(study: Study) -> Iterator[Arm]:
    """Each level of each scientific factor alone: the sum of the level counts."""
    for factor in study.factors_of("scientific"):
        for level, changes in study.levels_of(factor).items():
            yield Arm(f"{factor}={level}", changes)


def leave_one_out(study: Study) -> Iterator[Arm]:
    """k + 1 arms for k factors: all at their named level (`all`), then each factor back at the baseline's level.

    Every arm is compared with the study's baseline, which has none of the named levels. What a factor carries is
    `all` minus `all - factor`.
    """
    named = named_levels(study)
    yield Arm(ALL, combined(named, named).changes)
    for left_out in named:
        rest = [factor for factor in named if factor != left_out]
        yield Arm(f"{ALL} - {left_out}", combined(named, rest).changes)


def add_one_in(study: Study) -> Iterator[Arm]:
    """k + 1 arms for k factors: each at its named level alone, then `all` of them together.

    The gain of `all` beside the sum of the single gains tells whether they add up.
    """
    named = named_levels(study)
    for factor in named:
        yield combined(named, [factor])
    yield Arm(ALL, combined(named, named).changes)


def factorial(study: Study) -> Iterator[Arm]:
    """Every combination of the levels of the scientific factors: the product of the level counts."""
    factors = list(study.factors_of("scientific"))
    for levels in product(*(study.levels_of(factor).items() for factor in factors)):
        names = [f"{factor}={level}" for factor, (level, _) in zip(factors, levels, strict=True)]
        merged: Changes = {}
        for _, changes in levels:
            merged |= changes
        yield Arm(" + ".join(names), merged)


def fractional(study: Study) -> Iterator[Arm]:
    """The 2^(k-p) runs of the study's fraction, named by the factors that differ from the baseline."""
    named = named_levels(study)
    for run in study_fraction(study).runs:
        yield combined(named, [factor for factor in named if factor in run])


def path(study: Study) -> Iterator[Arm]:
    """The end of the path; the steps between are decided as results come in (see `stages`)."""
    named = named_levels(study)
    yield combined(named, named)


def search(_study: Study) -> Iterator[Arm]:
    """None beforehand: Optuna asks for them one by one."""
    yield from ()


DESIGNS: dict[str, Callable[[Study], Iterator[Arm]]] = {
    "one_at_a_time": one_at_a_time,
    "leave_one_out": leave_one_out,
    "add_one_in": add_one_in,
    "factorial": factorial,
    "fractional": fractional,
    "path": path,
    "search": search,
}


def named_levels(study: Study) -> dict[str, tuple[str, Changes]]:
    """Scientific factor -> the name and the changes of its one level that is not the baseline's."""
    named = {}
    for factor in study.factors_of("scientific"):
        others = [item for item in study.levels_of(factor).items() if study.setting(item[1]) != study.baseline]
        assert len(others) == 1, factor  # the study file was checked
        named[factor] = others[0]
    return named


def combined(named: Mapping[str, tuple[str, Changes]], factors: Collection[str]) -> Arm:
    """Some factors at their named level, the others at the baseline's; names in the order of the study."""
    chosen = [(factor, *named[factor]) for factor in named if factor in factors]
    merged: Changes = {}
    for _, _, changes in chosen:
        merged |= changes
    return Arm(" + ".join(f"{factor}={level}" for factor, level, _ in chosen), merged)


def study_fraction(study: Study) -> Fraction:
    """The fraction that a study asks for.

    Raises:
        InfeasibleConfig: there is none of that resolution.
    """
    assert isinstance(study.design, Fractional)
    factors = list(study.factors_of("scientific"))
    return fraction_of(factors, resolution=study.design.resolution, generators=study.design.generators)


def evaluation_levels(study: Study) -> list[Changes]:
    """Evaluation levels scored from each run: the baseline's first, then each other level of each factor alone."""
    levels: list[Changes] = [{}]
    for factor in study.factors_of("evaluation"):
        for changes in study.levels_of(factor).values():
            if study.setting(changes) != study.baseline:
                levels.append(changes)
    return levels
