"""Designs: how the levels of factors become arms. What each one asks of the factors is checked here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from sweep.config.factors import Factor, levels_of, misfit, setting_with
from sweep.config.problems import LONG, cut
from sweep.config.run import Setting
from sweep.config.values import Frozen, Name
from sweep.limits import MAX_ARMS, MAX_GENERATED_FACTORS, MAX_INTERIM_ANALYSES, MAX_RUNGS, MAX_TRAININGS

SearchSampler = Literal["tpe", "random", "qmc", "gp"]


class OneAtATime(Frozen):
    """The baseline, and each other level of each scientific factor alone."""

    kind: Literal["one_at_a_time"] = "one_at_a_time"


class LeaveOneOut(Frozen):
    """The baseline, all named levels together, and all but one: what does each one carry?"""

    kind: Literal["leave_one_out"] = "leave_one_out"


class AddOneIn(Frozen):
    """The baseline, each named level alone, and all together: do the single gains add up?"""

    kind: Literal["add_one_in"] = "add_one_in"


class Factorial(Frozen):
    """Every combination of the levels of the scientific factors."""

    kind: Literal["factorial"] = "factorial"


class Fractional(Frozen):
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


class Path(Frozen):
    """From the baseline to all named levels, one factor a step, the best next step first; every step is retrained."""

    kind: Literal["path"] = "path"
    round_seeds: int = Field(
        1, ge=1, le=100, description="Trainings of each candidate of a step, on seeds that the verdict never uses."
    )


class Pruner(Frozen):
    """Which trials of a search stop early, by their score at equal images seen: never by a loss, which has another
    meaning under another T, schedule or weighting.

    At each rung training waits until its averaged weights are scored under the cheap protocol (`protocol.ladder`).
    """

    kind: Literal["asha", "median"] = Field(
        description="asha: the best 1 in `reduction_factor` of those that came so far go on (Li et al. 2020). median: "
        "those at least as good as the median of the others."
    )
    rungs: tuple[Annotated[float, Field(gt=0.0, lt=1.0)], ...] = Field(
        min_length=1,
        max_length=MAX_RUNGS,
        description="Shares of the baseline's images at which trials are compared, ascending.",
    )
    reduction_factor: int = Field(3, ge=2, le=100, description="Of asha.")
    startup: int = Field(
        4, ge=1, le=MAX_TRAININGS, description="Trials with a score at a rung before any is stopped there."
    )

    @model_validator(mode="after")
    def _rungs_ascend(self) -> Pruner:
        if any(later <= earlier for earlier, later in pairwise(self.rungs)):
            raise ValueError(f"rungs {list(self.rungs)} must ascend")
        return self


class Search(Frozen):
    """Optuna over all scientific and nuisance factors; then the best against the baseline on fresh seeds."""

    kind: Literal["search"] = "search"
    trials: int = Field(
        30, ge=1, le=MAX_TRAININGS, description="Trainings in the search, exactly, over all workers and relaunches."
    )
    search_sampler: SearchSampler = Field("tpe", description="Optuna's sampler.")
    confirm: int = Field(
        1, ge=0, lt=MAX_ARMS, description="How many of the best are retrained on fresh seeds beside the baseline."
    )
    pruner: Pruner | None = Field(None, description="Without one, every trial is trained to its end.")


class Tune(Frozen):
    """Nuisance factors, tuned for every arm with the same number of trainings, the baseline included."""

    trials: int = Field(
        8,
        ge=2,
        le=MAX_TRAININGS,
        description="Exploratory trainings of each arm, exactly; the first at the baseline's values.",
    )
    search_sampler: SearchSampler = Field(
        "qmc", description="Optuna's sampler. qmc and random try the same points in every arm."
    )


class InterimAnalyses(Frozen):
    """When the results of a study are read before its last seed. Otherwise they are read once, at the end."""

    at: tuple[int, ...] = Field(
        min_length=2,
        max_length=MAX_INTERIM_ANALYSES,
        description="Numbers of seeds after which results are read: rising, from 3; the last is `seeds`. Verdicts "
        "change at these numbers alone.",
    )
    shape: Literal["pocock", "obrien_fleming"] = Field(
        "obrien_fleming",
        description="How alpha is spent. pocock: the same p at each analysis. obrien_fleming: a small p at first, "
        "nearly 0.05 at the last.",
    )


def _kind_alone(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


DesignKind = Literal["one_at_a_time", "leave_one_out", "add_one_in", "factorial", "fractional", "path", "search"]
_AnyDesign = Annotated[
    OneAtATime | LeaveOneOut | AddOneIn | Factorial | Fractional | Path | Search, Field(discriminator="kind")
]
Design = Annotated[_AnyDesign, BeforeValidator(_kind_alone, json_schema_input_type=DesignKind | _AnyDesign)]

TWO_LEVEL = (LeaveOneOut, AddOneIn, Fractional, Path)
"""Designs that switch each factor between the baseline and one named level."""

MIN_SEEDS = 3
"""With two seeds a t interval stands on one degree of freedom; it is drawn, but decides nothing."""

MIN_FACTORS = {"leave_one_out": 2, "add_one_in": 2, "path": 2, "fractional": 3}


def check_design(design: Design, tune: Tune | None, factors: Mapping[str, Factor], baseline: Setting) -> None:
    """Refuse factors that a design cannot use. Each factor alone was checked before.

    Raises:
        PydanticCustomError: of type `misfit`, with the place in the file.
    """
    scientific = [name for name, factor in factors.items() if factor.role == "scientific"]
    nuisance = [name for name, factor in factors.items() if factor.role == "nuisance"]
    if isinstance(design, Search) and not scientific + nuisance:
        raise misfit(("design",), "a search needs at least one scientific or nuisance factor")
    if tune is not None and isinstance(design, Search | Path):
        why = "a search tunes by itself" if isinstance(design, Search) else "tune first, then set the baseline"
        raise misfit(("tune",), f"`tune` does not go with `design: {design.kind}`: {why}")
    if tune is not None and not nuisance:
        raise misfit(("tune",), "there is nothing to tune: no factor has the role nuisance")
    fewest = MIN_FACTORS.get(design.kind, 0)
    if len(scientific) < fewest:
        raise misfit(
            ("design",),
            f"`{design.kind}` needs {fewest} scientific factors, found {len(scientific)}; use one_at_a_time",
        )
    if isinstance(design, TWO_LEVEL):
        for name in scientific:
            _check_one_named_level(name, factors[name], baseline, design.kind)
    if not isinstance(design, OneAtATime):
        _check_apart(scientific, factors, f"`{design.kind}` combines their levels")
    for name in nuisance:
        _check_apart([name, *scientific], factors, "the tuned value would replace the arm's", at=name)
    if isinstance(design, Fractional) and design.generators is not None:
        _check_generators(design.generators, scientific)


def check_interim_analyses(interim: InterimAnalyses, seeds: int) -> None:
    """Refuse interim analyses that do not rise to the number of seeds.

    Raises:
        PydanticCustomError: of type `misfit`, with the location in the file.
    """
    at = ("interim_analyses", "at")
    if interim.at[0] < MIN_SEEDS or any(later <= earlier for earlier, later in pairwise(interim.at)):
        raise misfit(at, f"interim analyses are at rising numbers of seeds, from {MIN_SEEDS}")
    if interim.at[-1] != seeds:
        raise misfit(at, f"the last interim analysis is at the last seed, {seeds}; found {interim.at[-1]}")


def _check_one_named_level(name: str, factor: Factor, baseline: Setting, kind: str) -> None:
    others = [
        level for level, changes in levels_of(name, factor).items() if setting_with(baseline, changes) != baseline
    ]
    if len(others) != 1:
        raise misfit(
            ("factors", name),
            f"`{kind}` switches each factor between the baseline and one level; found "
            f"{cut(', '.join(others), LONG) or 'none but the baseline'}",
        )


def _check_apart(names: list[str], factors: Mapping[str, Factor], why: str, *, at: str | None = None) -> None:
    """Factors whose levels are set together must set different fields."""
    setters: Counter[str] = Counter()
    for name in names:
        setters.update(_fields_of(name, factors[name]))
    for name in names[::-1]:
        if shared := sorted(field for field in _fields_of(name, factors[name]) if setters[field] > 1):
            other = next(n for n in names if n != name and shared[0] in _fields_of(n, factors[n]))
            if at in (None, name, other):
                location = at or name
                raise misfit(("factors", location), f"`{other}` and `{name}` both set `{shared[0]}`, and {why}")


def _fields_of(name: str, factor: Factor) -> set[str]:
    if factor.range is not None:
        return {name}
    return {field for changes in levels_of(name, factor).values() for field in changes}


def _check_generators(generators: Mapping[str, list[str]], scientific: list[str]) -> None:
    for generated, parents in generators.items():
        at = ("design", "generators", generated)
        if unknown := [name for name in (generated, *parents) if name not in scientific]:
            raise misfit(at, f"`{unknown[0]}` is no scientific factor; there are {', '.join(scientific)}")
        if generated in parents or any(name in generators for name in parents) or len(set(parents)) < len(parents):
            raise misfit(at, "a generated factor follows different factors that are not generated themselves")
        if len(parents) < 2:
            raise misfit(at, "name at least two factors to follow, or two factors would be one")
