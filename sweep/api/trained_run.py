"""A trained run of a study, with all that it takes to draw images from it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from sweep.api.given_items import refuse_given
from sweep.api.locations import storage_url, store_options
from sweep.api.stored_study import stored_study
from sweep.api.trials import cells_of_run
from sweep.commands import command
from sweep.config.problems import problem_of
from sweep.config.run import EVAL_FIELDS, EvalConfig, TrainConfig
from sweep.errors import UnknownName, UsageError
from sweep.planning.feasibility import check_evaluation
from sweep.planning.guidance import check_guidance
from sweep.store.cell_records import CellRecord
from sweep.store.queries.views import run_config, score_config, weights_of_run
from sweep.store.records import ArtifactRecord, StudyRecord


@dataclass(frozen=True)
class TrainedRun:
    """A finished training.

    Attributes:
        run: Number of the run.
        study: The study.
        cells: The cells of the study that the run is the training of.
        train: What was trained.
        evaluation: How the images of its deciding score are sampled.
        weights: File of the weights in the file store.
    """

    run: int
    study: StudyRecord
    cells: Sequence[CellRecord]
    train: TrainConfig
    evaluation: EvalConfig
    weights: ArtifactRecord

    @property
    def train_key(self) -> str:
        """Hash of the training."""
        return self.cells[0].train_key

    def evaluation_with(self, settings: Mapping[str, object]) -> EvalConfig:
        """The evaluation with some of its settings changed.

        Args:
            settings: Name of a setting of sampling, such as `sampler` -> its value.

        Raises:
            UnknownName: There is no such setting.
            UsageError: A value is not allowed, or does not fit the others.
        """
        for name in settings:
            if name not in EVAL_FIELDS:
                raise UnknownName("setting of sampling", name, sorted(EVAL_FIELDS))
        try:
            changed = EvalConfig.model_validate(self.evaluation.model_dump() | dict(settings))
        except ValidationError as error:
            detail = error.errors(include_url=False)[0]
            raise UsageError(f"{detail['loc'][0]}: {problem_of(detail)}", next="sweep docs catalogue") from None
        check_evaluation(changed, T=self.train.T)
        check_guidance(self.train, changed)
        return changed


def trained_run(name: str, run: int, *, storage: str | None = None) -> TrainedRun:
    """Read a finished training of a study.

    Args:
        name: Name of the study.
        run: Number of the run, as `sweep trials ls` lists it.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.

    Raises:
        UsageError: There is no such study or run, or its training has not ended.
        StoreError: There is no database, or it cannot be read.
    """
    with stored_study(name, storage) as (store, record):
        of_run = cells_of_run(store, record, run, storage)
        refuse_given(run_config(store, run), f"run {run} of study {name!r}")
        weights = weights_of_run(store, run)
        if weights is None:
            raise UsageError(
                f"run {run} of study {name!r} has no weights",
                why=f"It is {of_run[0].run_state}: {of_run[0].step:,} of {of_run[0].steps:,} steps are done.",
                next=command("trials ls", name, *store_options(storage_url(storage))),
            )
        scores = [score for cell in of_run for score in cell.scores if score.is_primary]
        evaluation = score_config(store, scores[0].score_id) if scores else EvalConfig(ema_decay=0.0)
        return TrainedRun(run, record, of_run, run_config(store, run), evaluation, weights)
