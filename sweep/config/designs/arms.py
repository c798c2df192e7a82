"""Arms: settings as differences from the baseline."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sweep.config.designs.designed_study import DesignedStudy
from sweep.config.factors import Changes

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


def named_levels(study: DesignedStudy) -> dict[str, tuple[str, Changes]]:
    """The one level of each scientific factor that is not the baseline's, for designs of two levels a factor.

    Args:
        study: A study that its design has checked.

    Returns:
        Factor -> name and changes of that level, in the order of the file.
    """
    named = {}
    for factor in study.factors_of("scientific"):
        others = [item for item in study.levels_of(factor).items() if study.setting(item[1]) != study.baseline]
        assert len(others) == 1, factor  # the study file was checked
        named[factor] = others[0]
    return named


def combined(named: Mapping[str, tuple[str, Changes]], factors: Collection[str]) -> Arm:
    """Some factors at their named level, the others at the baseline's.

    Args:
        named: As `named_levels` returns it; the arm's name follows its order.
        factors: Those at their named level.
    """
    chosen = [(factor, *named[factor]) for factor in named if factor in factors]
    merged: Changes = {}
    for _, _, changes in chosen:
        merged |= changes
    return Arm(" + ".join(f"{factor}={level}" for factor, level, _ in chosen), merged)
