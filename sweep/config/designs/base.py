"""What every design is asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from sweep.config.designs.arms import Arm
from sweep.config.designs.checks import check_different_fields, check_one_named_level
from sweep.config.designs.contrasts import ArmLevels, Contrast, OwnQuestion
from sweep.config.designs.designed_study import DesignedStudy
from sweep.config.designs.fractional_factorial import Fraction
from sweep.config.designs.pruner import Pruner
from sweep.config.designs.tuning import CellRequest, TrialResults, TuningRun, tuned_cells
from sweep.config.given import GivenItem
from sweep.config.problems import misfit
from sweep.config.values import Frozen
from sweep.quantities import quantity

RETRAINED = "retrained on seeds that these had not seen"
"""How the methods of a report end a sentence on exploratory trainings."""


def trials_of_optuna(runs: int, cite: Callable[[str], str]) -> str:
    """`12 trials with Optuna (Akiba et al. 2019)`.

    Args:
        runs: Number of trials.
        cite: Returns the citation of a source of the report, with a leading space.
    """
    return f"{quantity(runs, 'trial')} with Optuna{cite('Akiba et al. 2019')}"


class Design(Frozen, ABC):
    """How the levels of factors become arms.

    A subclass has a `kind`, its options as fields, and `arms`. Whatever else depends on the design is a class attribute
    or a method here, which says what holds for most designs: all arms are known at launch, and nuisance factors may be
    tuned for each of them.
    """

    kind: str

    min_factors: ClassVar[int] = 0
    """The fewest scientific factors that it makes sense for."""
    is_two_level: ClassVar[bool] = False
    """Each factor is switched between the baseline and one named level."""
    combines_levels: ClassVar[bool] = True
    """Levels of different scientific factors meet in one arm."""
    arms_are_trials: ClassVar[bool] = False
    """Optuna chooses the arms: any factor may have a range, and a ladder of protocols may compare them."""
    why_no_tune: ClassVar[str] = ""
    """Why nuisance factors cannot be tuned for each arm; empty where they can."""
    tests_interactions: ClassVar[bool] = False
    """Its arms show what the levels of two factors do together beyond their sum."""
    aliases_effects: ClassVar[bool] = False
    """Some effects cannot be told apart; `fraction` says which."""
    trains: ClassVar[bool] = True
    """Runs are trained; false where each is an item that exists, which `item` says."""
    own_question: ClassVar[OwnQuestion | None] = None
    """What it asks beyond the difference of each arm from the baseline, with the contrasts of `contrasts`."""

    @property
    def has_trials(self) -> bool:
        """Whether it has the option `trials`, which may be raised later."""
        return "trials" in type(self).model_fields

    @property
    def has_paired_replicates(self) -> bool:
        """Whether replicate r of an arm belongs to replicate r of the baseline, as runs of one seed do."""
        return True

    def replicates(self, arm: str) -> int | None:
        """Replicates of an arm; None for the seeds of the study.

        Args:
            arm: Name of the arm.
        """
        del arm
        return None

    def item(self, arm: str, replicate: int) -> GivenItem | None:
        """The item that is scored; None where a run is trained.

        Args:
            arm: Name of the arm.
            replicate: Number of the replicate, from 0.
        """
        del arm, replicate
        return None

    @abstractmethod
    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """The arms that are known before any result; the baseline may be among them.

        Args:
            study: Whose design this is.

        Raises:
            InfeasibleConfig: The options of the design cannot be met with these factors.
        """

    def check(self, study: DesignedStudy) -> None:
        """Refuse factors that the design cannot use. Each factor by itself was checked before.

        Args:
            study: Whose design this is.

        Raises:
            PydanticCustomError: Of type `misfit`, with the location in the file.
        """
        scientific, nuisance = list(study.factors_of("scientific")), list(study.factors_of("nuisance"))
        if study.tune is not None and self.why_no_tune:
            raise misfit(("tune",), f"`tune` does not go with `design: {self.kind}`: {self.why_no_tune}")
        if study.tune is not None and not nuisance:
            raise misfit(("tune",), "there is nothing to tune: no factor has the role nuisance")
        if len(scientific) < self.min_factors:
            raise misfit(
                ("design",),
                f"`{self.kind}` needs {quantity(self.min_factors, 'scientific factor')}, found {len(scientific)}; "
                "use one_at_a_time",
            )
        for name in scientific if self.is_two_level else ():
            check_one_named_level(study, name, design=self.kind)
        if self.combines_levels:
            check_different_fields(scientific, study.factors, f"`{self.kind}` combines their levels")
        for name in nuisance:
            why = "the tuned value would replace the arm's"
            check_different_fields([name, *scientific], study.factors, why, only=name)

    def cells_are_known(self, study: DesignedStudy) -> bool:
        """Whether the cells of all known arms are added at launch, before any trial."""
        return study.tune is None

    def grows(self, study: DesignedStudy) -> bool:
        """Whether results add cells after the launch."""
        return study.tune is not None

    def later_trainings(self, study: DesignedStudy, arms: int) -> int:
        """Trainings beyond one of each known arm and seed; negative where known arms are not trained.

        Args:
            study: Whose design this is.
            arms: Number of known arms, the baseline included.
        """
        return arms * study.tune.trials if study.tune is not None else 0

    def compared_arms(self, study: DesignedStudy, arms: int) -> int:
        """Arms that the verdict will compare with the baseline.

        Args:
            study: Whose design this is.
            arms: Number of known arms, the baseline included.
        """
        del study
        return arms - 1

    def exploratory_replicates(self) -> int:
        """Trainings of each exploratory arm."""
        return 1

    def tuning_runs(self, study: DesignedStudy, arms: Sequence[Arm]) -> list[TuningRun]:
        """What Optuna chooses: the nuisance factors of each arm, or nothing.

        Args:
            study: Whose design this is.
            arms: All known arms, the baseline first.
        """
        if study.tune is None:
            return []
        factors, tune = study.factors_of("nuisance"), study.tune
        return [TuningRun(arm, factors, tune.trials, tune.search_sampler, f"{arm.name} / trial-") for arm in arms]

    def next_cells(
        self, study: DesignedStudy, tuning_runs: Sequence[TuningRun], trials: TrialResults
    ) -> list[CellRequest]:
        """All that is wanted by now beyond the cells of the launch and the trials that Optuna chooses.

        A cell that exists already is named again, so that this may be asked at any time, and again after a kill.

        Args:
            study: Whose design this is.
            tuning_runs: Those of the study, as `tuning_runs` returns them.
            trials: What is known of its exploratory trainings.
        """
        del study
        return [tuned_cells(each, trials) for each in tuning_runs if trials.is_finished(each)]

    def pruned_by(self) -> Pruner | None:
        """What stops trials before their end; None where all are trained to it."""
        return None

    def fraction(self, study: DesignedStudy) -> Fraction | None:
        """The fraction of a factorial that its arms are; None for any other design.

        Args:
            study: Whose design this is.

        Raises:
            InfeasibleConfig: There is no such fraction.
        """
        del study
        return None

    def contrasts(self, levels: ArmLevels) -> list[Contrast]:
        """The comparisons that answer its own question.

        Args:
            levels: Of all arms that were trained on fresh seeds, the baseline among them.

        Returns:
            Empty where the design asks nothing else, or where arms that they take are missing.
        """
        del levels
        return []

    def plan_text(self, study: DesignedStudy) -> str:
        """What is decided only as results come in, as `sweep plan` prints it; empty where nothing is."""
        if study.tune is None:
            return ""
        factors = ", ".join(study.factors_of("nuisance"))
        trials = quantity(study.tune.trials, "trial")
        return f"{factors} tuned for each arm in {trials}; then trained at the best on fresh seeds"

    def methods_text(self, runs: int, cite: Callable[[str], str]) -> str:
        """How exploratory trainings led to what is compared: a sentence of the report's methods.

        Args:
            runs: Number of exploratory trainings, 1 or more.
            cite: Returns the citation of a source of the report, with a leading space.
        """
        return f"Nuisance factors of each arm were tuned in {trials_of_optuna(runs, cite)}, and the arms {RETRAINED}."
