"""A study before it runs: its arms, trainings, scores, and what they will cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sweep.config.composed_file import read_study_file
from sweep.config.designs.arms import Arm
from sweep.config.keys import sha256_of, train_key
from sweep.config.own_part import OwnPart
from sweep.config.run import EvalConfig, TrainConfig
from sweep.config.study import Study
from sweep.config.study_file import study_in
from sweep.diffusion.facts import ScheduleFacts
from sweep.diffusion.spacing import sampling_indices
from sweep.errors import InfeasibleConfig, UsageError
from sweep.files.starting_weights import pinned
from sweep.limits import MAX_CELLS, MAX_SCORES, MAX_TRAININGS
from sweep.planning.arms import arms_of
from sweep.planning.cells import cells_of, checked_facts, evaluation_of, score_requests_of
from sweep.planning.error_location import met_at, origin_of
from sweep.planning.given_items import with_pinned_items
from sweep.store.records import NewCell
from sweep.store.states import Phase

FLOAT_BYTES = 4
FEATURES = 64 + 10
CHECKPOINTS_ON_DISK = 2


@dataclass(frozen=True)
class StudyPlan:
    """What a study asks for.

    Attributes:
        arms: Baseline first.
        facts: Name of each arm -> facts of its schedule; None where they need code of a plugin, or images are given.
        cells: Added at launch; none where a search or tuning comes first.
        trainings: Different trainings in all, those that are decided on the way included.
        scores: Different scores.
        trainings_saved: Trainings that a tool without evaluation factors would have run beside.
    """

    study: Study
    arms: list[Arm]
    facts: Mapping[str, ScheduleFacts | None]
    cells: list[NewCell]
    trainings: int
    scores: int
    trainings_saved: int

    @property
    def work(self) -> int:
        """Pieces of work to share between workers: trainings, or scores where nothing is trained."""
        return self.trainings or self.scores

    @property
    def arms_sha256(self) -> str:
        """Hash of the list of arms, as the launch records it: proof that they were chosen before any result."""
        return sha256_of([[arm.name, arm.changes, arm.is_baseline] for arm in self.arms])

    @property
    def notes(self) -> list[str]:
        """What is legal and hardly meant; one sentence each."""
        settings = {arm.name: self.study.setting(arm.changes) for arm in self.arms}
        rising = [name for name, setting in settings.items() if 0 < setting.images <= setting.warmup_images]
        if not rising:
            return []
        return [f"note: lr still grows at the end of {', '.join(rising)}: warmup_images is not less than images"]

    def with_images(self, sha256: str) -> StudyPlan:
        """The plan of the same study with its folder of images pinned to their hash.

        Nothing else depends on the images, so nothing is computed again.

        Args:
            sha256: Hash of the images, in hex.
        """
        study = self.study.with_images(sha256)
        data = {"data": study.baseline.data}
        cells = [replace(cell, train_config=cell.train_config.model_copy(update=data)) for cell in self.cells]
        return replace(self, study=study, cells=cells)

    def with_facts(self, facts: Mapping[str, ScheduleFacts]) -> StudyPlan:
        """The plan with what the code of its plugins has said.

        Args:
            facts: Name of an arm -> facts of its schedule.
        """
        cells = [replace(cell, facts=facts.get(cell.arm_name, cell.facts)) for cell in self.cells]
        known = {name: facts.get(name, before) for name, before in self.facts.items()}
        return replace(self, facts=known, cells=cells)

    def example_train(self) -> TrainConfig:
        """The baseline's training."""
        return self.study.baseline.train_config(seed=self.study.first_seed, ema_decays=())

    def seconds(self, *, step_seconds: float, call_seconds: float, parallel: int) -> float:
        """Wall time on `parallel` equal workers: optimizer steps and network calls, which is nearly all of it.

        Args:
            step_seconds: Seconds of an optimizer step of the baseline.
            call_seconds: Seconds of one network call for one sample.
            parallel: Number of equal workers.
        """
        total = sum(
            times
            * (
                train.steps * step_seconds
                + sum(network_calls(e, T=train.T) for e in scores) * self._samples() * call_seconds
            )
            for times, train, scores in self._work()
        )
        return total / max(1, min(parallel, self.work))

    def disk_bytes(self, *, parameters: int) -> int:
        """Weights and averages of every run, two checkpoints of those under way, features and grids."""
        total = 0
        for times, train, scores in self._work():
            averages = 1 + len(train.ema_decays) + len(train.ema_starts) + len(train.earlier_weights)
            total += times * parameters * FLOAT_BYTES * averages
            total += times * len(scores) * self._samples() * FEATURES * FLOAT_BYTES
        return total + CHECKPOINTS_ON_DISK * parameters * FLOAT_BYTES * (3 + 3)

    def _samples(self) -> int:
        return self.study.protocol.n * self.study.protocol.noise_sets

    def _work(self) -> Iterator[tuple[int, TrainConfig, list[EvalConfig]]]:
        """How many trainings of which kind, with their scores."""
        by_key = {train_key(cell.train_config): cell for cell in self.cells}
        for cell in by_key.values():
            yield 1, cell.train_config, [request.eval_config for request in cell.score_requests]
        if later := self.trainings - len(by_key):  # unknown yet: taken to cost what the baseline costs
            scores = [
                request.eval_config for request in score_requests_of(evaluation_of(self.study), self.study.baseline)
            ]
            yield later, self.example_train(), scores


def read_study_plan(
    file: Path, change: Callable[[Study], Study] | None = None, *, overrides: Mapping[str, object] | None = None
) -> StudyPlan:
    """What the study in a file asks for; a relative path of images begins in the folder of this process.

    Args:
        file: A study file.
        change: What the command line changes of the study, before its plan is computed.
        overrides: Dotted key -> value that replaces or adds to what the file says.

    Raises:
        StudyFileError: the file is wrong at a line that the message names.
        InfeasibleConfig: as `study_plan`, and names the file and the line of the level.
    """
    read = read_study_file(file, overrides)
    study = study_in(read)
    study = located(study)
    if change is not None:
        study = change(study)
    try:
        return study_plan(study)
    except UsageError as error:
        location = origin_of(error, study, read) or file
        raise InfeasibleConfig(f"{location}: {error.what}", why=error.why, next=error.next) from None


def located(study: Study) -> Study:
    """The study with paths that every process understands alike, and hashes of starting weights and of given items.

    Args:
        study: The study; relative paths begin in the folder of this process.

    Raises:
        DataError: There are no such weights, no such file that a data set reads, or an item cannot be scored.
    """
    study = with_pinned_items(study)
    weights = study.baseline.init_from
    if weights is not None:
        study = study.with_starting_weights(pinned(weights))
    study = study.model_copy(update={"protocol": study.protocol.with_extractor(OwnPart.pinned)})
    return study.with_data(study.baseline.data.absolute().pinned())


def study_plan(study: Study) -> StudyPlan:
    """What a study asks for.

    Raises:
        InfeasibleConfig: an arm that cannot be trained or sampled, or a design that makes no sense, with the reason.
    """
    arms = arms_of(study)
    evaluation = evaluation_of(study)
    levels = len(evaluation.levels)
    _check_size(study, len(arms), levels)
    facts = {}
    for arm in arms:  # each is tried before any is laid out, which takes longer
        with met_at(arm.changes):
            facts[arm.name] = checked_facts(study, arm)
    cells = [
        cell
        for arm in arms
        for cell in cells_of(
            study, arm, phase=Phase.CONFIRM, evaluation=evaluation, facts=facts[arm.name], replicates=study.seeds
        )
    ]
    runs = len({train_key(cell.train_config) for cell in cells}) + study.design.later_trainings(study, len(arms))
    cells = [cell for cell in cells if cell.replicate < study.first_seeds]
    if not study.design.cells_are_known(study):
        cells = []
    trainings = runs if study.design.trains else 0
    return StudyPlan(study, arms, facts, cells, trainings, runs * levels, trainings * (levels - 1))


def expected_trainings(study: Study) -> int:
    """Trainings of a study in all, those included that are decided on the way; cheaper than its plan.

    Raises:
        InfeasibleConfig: As `arms_of`.
    """
    arms = len(arms_of(study))
    return arms * study.seeds + study.design.later_trainings(study, arms)


def _check_size(study: Study, arms: int, levels: int) -> None:
    """Refuse what would take minutes to lay out, before it is."""
    for count, limit, what in (
        (arms * study.seeds, MAX_CELLS, f"{arms} arms x {study.seeds} seeds"),
        (arms * study.seeds * levels, MAX_SCORES, f"{arms} arms x {study.seeds} seeds x {levels} evaluation levels"),
        (arms * study.seeds + study.design.later_trainings(study, arms), MAX_TRAININGS, "all trainings together"),
    ):
        if count > limit:
            raise InfeasibleConfig(
                f"{what} are {count:,}; {limit:,} are the most",
                why="No machine would finish them, and the database would be slow before.",
                next="Use fewer seeds, levels or trials, or divide the question between studies.",
            )


def network_calls(config: EvalConfig, *, T: int) -> int:
    """Network evaluations for one sample; where samples are guided at some t alone, as if they were at all.

    Args:
        config: How the sample is drawn.
        T: Number of diffusion steps of the training.
    """
    steps = config.sampling_steps  # a spacing of a plugin visits as many at most
    if not isinstance(config.spacing, OwnPart):
        steps = len(sampling_indices(config.spacing, T, steps))
    evaluations = 1 if config.guidance_scale == 1.0 else 2
    return evaluations * (2 * steps - 1 if config.sampler == "heun" else steps)
