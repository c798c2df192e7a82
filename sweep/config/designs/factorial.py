"""Designs that combine levels: the whole factorial, and fractions of one of two-level factors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import ClassVar, Literal

from pydantic import Field

from sweep.config.designs.arms import Arm, combined, named_levels
from sweep.config.designs.base import Design
from sweep.config.designs.contrasts import ArmLevels, Contrast, OwnQuestion, main_effects
from sweep.config.designs.designed_study import DesignedStudy
from sweep.config.designs.fractional_factorial import Fraction, fraction_of
from sweep.config.factors import Changes
from sweep.config.problems import misfit
from sweep.config.values import Name
from sweep.limits import MAX_GENERATED_FACTORS
from sweep.similar_names import no_such

MAIN_EFFECTS = OwnQuestion(
    heading="Main effects",
    family="Each level against the baseline's level of its factor, on average over the other factors, in units of the "
    "score. The main effects are judged as one family, and interactions as another",
    correlation=0.0,
    is_ratio=False,
)


class Factorial(Design):
    """Every combination of the levels of the scientific factors."""

    kind: Literal["factorial"] = "factorial"
    tests_interactions: ClassVar[bool] = True
    own_question: ClassVar[OwnQuestion | None] = MAIN_EFFECTS

    def contrasts(self, levels: ArmLevels) -> list[Contrast]:
        """The main effect of each level, where every combination is among the arms."""
        counts = [len({each[factor] for each in levels.values()}) for factor in next(iter(levels.values()), {})]
        return main_effects(levels) if len(levels) == math.prod(counts) else []

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """Every combination of the levels of the scientific factors: the product of the level counts."""
        factors = list(study.factors_of("scientific"))
        for levels in product(*(study.levels_of(factor).items() for factor in factors)):
            names = [f"{factor}={level}" for factor, (level, _) in zip(factors, levels, strict=True)]
            merged: Changes = {}
            for _, changes in levels:
                merged |= changes
            yield Arm(" + ".join(names), merged)


class Fractional(Design):
    """A 2^(k-p) fraction of the factorial of k two-level factors; the baseline is one of its runs."""

    kind: Literal["fractional"] = "fractional"
    resolution: int | None = Field(
        None,
        ge=3,
        le=8,
        description="3: main effects are aliased with pairs. 4 (the default): with triples at least. 5: pairs are "
        "clear of pairs. The smallest such fraction is taken; beside `generators`, the least that is accepted.",
    )
    generators: dict[Name, list[Name]] | None = Field(
        None,
        max_length=MAX_GENERATED_FACTORS,
        description="{factor: [others]}: the factor changes where an odd number of the others do.",
    )
    min_factors: ClassVar[int] = 3
    is_two_level: ClassVar[bool] = True
    tests_interactions: ClassVar[bool] = True
    aliases_effects: ClassVar[bool] = True
    own_question: ClassVar[OwnQuestion | None] = MAIN_EFFECTS

    def contrasts(self, levels: ArmLevels) -> list[Contrast]:
        """The main effect of each level, where no run of the fraction is missing."""
        return main_effects(levels) if len(levels) & (len(levels) - 1) == 0 else []

    def check(self, study: DesignedStudy) -> None:
        """Refuse generators, too, that name other factors than the study's, or follow each other."""
        super().check(study)
        scientific = list(study.factors_of("scientific"))
        generators = self.generators or {}
        for generated, parents in generators.items():
            at = ("design", "generators", generated)
            if unknown := [name for name in (generated, *parents) if name not in scientific]:
                what = no_such("scientific factor", unknown[0], scientific)
                raise misfit(at, f"{what}; allowed: {', '.join(scientific)}")
            if generated in parents or any(name in generators for name in parents) or len(set(parents)) < len(parents):
                raise misfit(at, "a generated factor follows different factors that are not generated themselves")
            if len(parents) < 2:
                raise misfit(at, "name at least two factors to follow, or two factors would be one")

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """The 2^(k-p) runs of the fraction, named by the factors that differ from the baseline."""
        named = named_levels(study)
        for run in self.fraction(study).runs:
            yield combined(named, [factor for factor in named if factor in run])

    def fraction(self, study: DesignedStudy) -> Fraction:
        """The stated fraction, or the smallest of the stated resolution."""
        factors = list(study.factors_of("scientific"))
        return fraction_of(factors, resolution=self.resolution, generators=self.generators)
