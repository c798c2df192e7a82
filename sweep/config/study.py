"""What a person writes: one file, one question.

A study names a baseline, the factors that vary around it with their roles, a design that turns factors into arms, the
seeds, and the protocol that scores are made under. `study_file` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from sweep.config.data import DataConfig
from sweep.config.designs.given import check_given, with_given_seeds
from sweep.config.designs.one_at_a_time import OneAtATime
from sweep.config.designs.registry import AnyDesign
from sweep.config.designs.tune import Tune
from sweep.config.factor_checks import check_factor
from sweep.config.factors import Changes, Factor, Role, level_name, levels_of, setting_with
from sweep.config.interim_analyses import InterimAnalyses, check_interim_analyses, with_planned_seeds
from sweep.config.names import NAME
from sweep.config.old_names import with_new_names
from sweep.config.problems import misfit, problem_of
from sweep.config.protocol_checks import check_protocol
from sweep.config.protocol_request import ProtocolRequest
from sweep.config.resolved_parts import with_own_extractor
from sweep.config.run import Setting
from sweep.config.starting_weights import StartingWeights
from sweep.config.tuned_evaluation import TunedEvaluation, check_tuned_evaluation
from sweep.config.values import Frozen, Name, NoTruthForNumbers, Text
from sweep.errors import InfeasibleConfig, UsageError
from sweep.limits import (
    MAX_DURATION_DAYS,
    MAX_EVALUATION_LEVELS,
    MAX_FACTORS,
    MAX_LEVELS,
    MAX_PLUGINS,
    MAX_SEEDS,
)
from sweep.plugins.source import PluginSource


class Cadence(Frozen):
    """How often a training reports and saves; changes no number."""

    curve_points: int = Field(20, ge=2, le=1000, description="Points of each curve, at most.")
    checkpoint_seconds: float = Field(60.0, gt=0.0, description="At most this much work is lost by a kill.")


class Budget(Frozen):
    """What a study may cost; work stops there, and more is a decision."""

    gpu_hours: float = Field(
        gt=0.0, le=24 * MAX_DURATION_DAYS, description="Device hours of training, over all workers and relaunches."
    )


class Study(NoTruthForNumbers):
    """One question."""

    name: str = Field(pattern=NAME, description="Lower-case letters, digits, dot, dash; names folders and reports.")
    question: Text = Field(min_length=1, description="The question, as a sentence.")
    cites: Text = Field("", description="Whose claim is tested, if anyone's.")
    baseline: Setting = Field(default_factory=Setting, description="What every arm is compared with.")
    factors: dict[Name, Factor] = Field(default_factory=dict, max_length=MAX_FACTORS, description="What varies.")
    design: AnyDesign = OneAtATime()
    tune: Tune | None = Field(None, description="How nuisance factors are tuned, in any design but search and path.")
    seeds: int = Field(3, ge=1, le=MAX_SEEDS, description="Replicates of every arm, paired across arms.")
    first_seed: int = Field(0, ge=0, lt=2**31, description="Seed of the first replicate.")
    interim_analyses: InterimAnalyses | None = Field(
        None, description="When results are read before the last seed. Without it, they are read once, at the end."
    )
    protocol: ProtocolRequest = ProtocolRequest()
    evaluation: TunedEvaluation | None = Field(
        None,
        exclude_if=lambda evaluation: evaluation is None,
        description="Also compare the arms each at its own best level of evaluation factors.",
    )
    metric: Literal["fid", "kid"] = Field("fid", description="The score that decides.")
    smallest_effect: float | None = Field(None, gt=0.0, description="Differences below it do not matter to you.")
    pilot_sd: float | None = Field(
        None, gt=0.0, description="Of paired differences between two arms in a pilot; `plan` tells what it can show."
    )
    data_licence: Text = Field(
        "",
        exclude_if=lambda licence: not licence,
        description="Licence of images of your own, for the checklist of the report, e.g. CC BY 4.0.",
    )
    plugins: tuple[Text, ...] = Field(
        (),
        max_length=MAX_PLUGINS,
        description="Files beside it, modules or distributions with parts of your own, e.g. [my_nets.py].",
    )
    cadence: Cadence = Cadence()
    budget: Budget | None = Field(None, description="Stop when it is spent; without one, work until all is done.")
    _sources: tuple[PluginSource, ...] = PrivateAttr(())

    def __str__(self) -> str:
        counts = (("factor", len(self.factors)), ("seed", self.seeds))
        sizes = ", ".join(f"{count} {unit}{'s' * (count != 1)}" for unit, count in counts)
        return f"{self.name}: {self.question} ({self.design.kind}, {sizes})"

    __repr__ = __str__

    @model_validator(mode="before")
    @classmethod
    def _takes_old_names(cls, fields: object) -> object:
        if not isinstance(fields, Mapping):
            return fields
        return with_given_seeds(with_own_extractor(with_planned_seeds(with_new_names(fields))))

    @model_validator(mode="after")
    def _factors_fit(self) -> Study:
        self._check_size()
        for name, factor in self.factors.items():
            check_factor(
                name,
                factor,
                self.baseline,
                searching=self.design.arms_are_trials,
                tuning=self.tune is not None,
            )
        self.design.check(self)
        if self.evaluation is not None:
            check_tuned_evaluation(self.evaluation, self.factors, self.protocol)
        check_given(self.baseline, self.design, interim=self.interim_analyses is not None)
        if self.interim_analyses is not None:
            check_interim_analyses(self.interim_analyses, self.seeds)
        if self.stops_decided and self.design.own_question is not None:
            raise misfit(
                ("interim_analyses", "stop_decided"),
                f"`{self.design.kind}` compares arms with each other, so all need the same seeds: leave it out",
            )
        check_protocol(self.protocol, self.baseline, self.design)
        if self.data_licence and self.baseline.data.name not in ("image_folder", "own"):
            raise misfit(
                ("data_licence",), "only for images of your own; the licences of published data sets are known"
            )
        return self

    def _check_size(self) -> None:
        levels = sum(len(factor.levels or ()) for factor in self.factors.values())
        if levels > MAX_LEVELS:
            raise misfit(("factors",), f"found {levels:,} levels of all factors; {MAX_LEVELS:,} are the most")
        factors, along = self.factors_of("evaluation"), self.protocol.along
        scored = 1 + sum(len(factor.levels or ()) for factor in factors.values()) + len(along)
        if scored > MAX_EVALUATION_LEVELS:
            at = ("factors", next(iter(factors))) if factors else ("protocol", "along")
            raise misfit(
                at,
                f"each run would be scored at up to {scored:,} evaluation levels; {MAX_EVALUATION_LEVELS} are the most",
            )

    @property
    def stops_decided(self) -> bool:
        """Whether arms get no more seeds once an interim analysis has decided them."""
        return self.interim_analyses is not None and self.interim_analyses.stop_decided

    @property
    def first_seeds(self) -> int:
        """Seeds of every arm that are trained before any result is read."""
        interim = self.interim_analyses
        return interim.at[0] if interim is not None and interim.stop_decided else self.seeds

    @property
    def grows(self) -> bool:
        """Whether cells are added as results come in."""
        return self.stops_decided or self.design.grows(self)

    @property
    def sees_classes(self) -> bool:
        """Whether a net of some arm sees the classes of the images, which are part of what it is trained on then."""
        levels = (changes for name in self.factors for changes in self.levels_of(name).values())
        return self.baseline.conditional or any(changes.get("conditional") is True for changes in levels)

    def factors_of(self, *roles: Role) -> dict[str, Factor]:
        """Factors with one of these roles, in the order of the file."""
        return {name: factor for name, factor in self.factors.items() if factor.role in roles}

    def levels_of(self, name: str) -> dict[str, Changes]:
        """Level name -> the fields it sets, in the order of the file."""
        return levels_of(name, self.factors[name])

    @property
    def plugin_sources(self) -> tuple[PluginSource, ...]:
        """Sources of the plugins as they were read with the file; none of a study that came from a database."""
        return self._sources

    def with_sources(self, sources: tuple[PluginSource, ...]) -> Study:
        """The study with the sources of its plugins. They are no field: the study knows them by their hashes."""
        study = self.model_copy()
        study._sources = sources
        return study

    def with_images(self, sha256: str) -> Study:
        """The study with its folder of images pinned to their hash; published data sets are pinned by their name."""
        if self.baseline.data.name != "image_folder":
            return self
        return self.with_data(self.baseline.data.model_copy(update={"sha256": sha256}))

    def with_starting_weights(self, weights: StartingWeights) -> Study:
        """The study with the hash, and the whole path, of the weights that its trainings begin with."""
        return self.model_copy(update={"baseline": self.baseline.model_copy(update={"init_from": weights})})

    def with_data(self, data: DataConfig) -> Study:
        """The study with its images somewhere else."""
        return self.model_copy(update={"baseline": self.baseline.model_copy(update={"data": data})})

    def setting(self, changes: Changes) -> Setting:
        """The baseline with some fields changed. Dotted names reach into `net` and `data`.

        Raises:
            InfeasibleConfig: values contradict each other, for example fewer images than one batch.
        """
        try:
            return setting_with(self.baseline, changes)
        except ValidationError as error:
            written = ", ".join(f"{field}: {level_name(value)}" for field, value in changes.items())
            raise InfeasibleConfig(
                f"{written or 'the baseline'}: these values contradict each other",
                why=f"{problem_of(error.errors()[0])}.",
                next="Narrow the levels or ranges of one of the factors.",
                changes=changes,
            ) from None


def changed_study(spec: Mapping[str, Any]) -> Study:
    """A study whose values were changed by a command, without a file.

    Args:
        spec: Every value of a study, as `model_dump(mode="json")` has it.

    Raises:
        UsageError: Names the first key that is not allowed, what was found and what is allowed.
    """
    try:
        return Study.model_validate(spec)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = first.get("ctx", {}).get("at", first["loc"])
        key = ".".join(str(part) for part in at if part != spec["design"]["kind"])
        raise UsageError(f"`{key}`: {problem_of(first)}", why="Nothing was changed.", next="Ask for less.") from None
