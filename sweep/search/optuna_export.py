"""Studies as Optuna's own tools see them: a copy in memory of every cell, whichever design it came from.

Our tables hold what happened, and Optuna's only what it advised, so the dashboard is shown a copy of ours. Nothing that
is done to the copy reaches the store.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import optuna
from optuna.artifacts.exceptions import ArtifactNotFound
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial

from sweep.config.factors import Factor, level_name
from sweep.config.study import Study
from sweep.errors import SweepError
from sweep.files.file_store import FileStore
from sweep.planning.trial_records import value_of
from sweep.search.search_space import Params, Space
from sweep.store.cell_records import CellRecord
from sweep.store.queries.samples import Grid, grids, run_times
from sweep.store.queries.views import cells
from sweep.store.records import OVER_NOISE_SETS, StudyRecord
from sweep.store.sql.transaction import Store
from sweep.store.states import CellState

STATES: Mapping[str, TrialState] = {
    CellState.COMPLETE: TrialState.COMPLETE,
    CellState.PRUNED: TrialState.PRUNED,
    CellState.PLANNED: TrialState.WAITING,
    CellState.TRAINING: TrialState.RUNNING,
    CellState.TRAINED: TrialState.RUNNING,
    CellState.SCORING: TrialState.RUNNING,
}
"""Of a cell; every other state is a failure."""
# Where Optuna's `upload_artifact` keeps what it knows of a file.
ARTIFACT = "artifacts:"


class SampleGrids:
    """Optuna's artifact store over the sample sheets of a store: it reads, and changes no file.

    Args:
        file_store: Where the files of the store are.
    """

    def __init__(self, file_store: FileStore) -> None:
        self._file_store = file_store
        self._grids: dict[str, Grid] = {}

    def list(self, grid: Grid) -> dict[str, str]:
        """Make a sheet readable, and give Optuna's attribute of the trial that shows it."""
        self._grids[grid.sha256] = grid
        fields = {
            "artifact_id": grid.sha256,
            "filename": Path(grid.path).name,
            "mimetype": "image/png",
            "encoding": None,
        }
        return {ARTIFACT + grid.sha256: json.dumps(fields)}

    def open_reader(self, artifact_id: str) -> BinaryIO:
        """The PNG, checked against its recorded hash.

        Raises:
            ArtifactNotFound: it is not listed, not there, outside the folder, or altered since it was saved.
        """
        grid = self._grids.get(artifact_id)
        if grid is None:
            raise ArtifactNotFound(f"no sample grid {artifact_id}")
        try:
            data = self._file_store.fetch(grid.path, grid.sha256).read_bytes()
        except (SweepError, OSError) as error:
            raise ArtifactNotFound(f"no sample grid {artifact_id}: {error}") from error
        if hashlib.sha256(data).hexdigest() != artifact_id:
            raise ArtifactNotFound(f"sample grid {artifact_id} was altered since it was saved")
        return io.BytesIO(data)

    def write(self, artifact_id: str, content_body: BinaryIO) -> None:
        """Refused: only workers add files.

        Args:
            artifact_id: Name that Optuna gives to the new file.
            content_body: Its content.

        Raises:
            PermissionError: Always.
        """
        raise PermissionError("sample grids are read-only here")

    def remove(self, artifact_id: str) -> None:
        """Out of the copy, as when a study is deleted there; the file stays."""
        self._grids.pop(artifact_id, None)


def mirror(store: Store, studies: Iterable[StudyRecord], files: FileStore) -> tuple[InMemoryStorage, SampleGrids]:
    """Copies of studies in Optuna's terms, and their sample grids.

    Args:
        store: Open store of studies, runs and scores.
        studies: The studies, as the store holds them.
        files: Where artifact paths of the store lie.
    """
    storage, sheets = InMemoryStorage(), SampleGrids(files)
    for record in studies:
        made = optuna.create_study(study_name=record.name, storage=storage, direction="minimize")
        made.set_user_attr("question", record.question)
        made.set_user_attr("score", record.protocol.label)
        made.add_trials(_trials(store, record, sheets))
    return storage, sheets


def _trials(store: Store, record: StudyRecord, sheets: SampleGrids) -> list[FrozenTrial]:
    study = Study.model_validate(record.spec)
    params = {arm.name: _params(study, arm.changes, record) for arm in record.arms}
    space = _space(study, list(params.values()))
    sheet, times = grids(store, record.id), run_times(store, record.id)
    return [
        _trial(cell, params[cell.arm_name], space, study.metric, times[cell.run_id], sheets, sheet)
        for cell in cells(store, record.id)
    ]


def _params(study: Study, changes: Mapping[str, Any], record: StudyRecord) -> Params:
    """The value in one arm of every field that some arm changes."""
    fields = sorted({field for arm in record.arms for field in arm.changes})
    baseline = study.baseline.model_dump(mode="json")
    return {field: _plain(changes[field] if field in changes else _at(baseline, field)) for field in fields}


def _at(fields: Mapping[str, Any], field: str) -> Any:
    value: Any = fields
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _plain(value: Any) -> int | float | str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping) else level_name(value)


def _space(study: Study, params: list[Params]) -> Space:
    fields = params[0] if params else {}
    return {field: _distribution([each[field] for each in params], study.factors.get(field)) for field in fields}


def _distribution(values: list[Any], factor: Factor | None) -> BaseDistribution:
    if any(isinstance(value, str) for value in values):
        return CategoricalDistribution(list(dict.fromkeys(values)))
    low, high = min(values), max(values)
    log = factor is not None and factor.log and low > 0
    if all(isinstance(value, int) for value in values):
        return IntDistribution(low, high, log=log)
    return FloatDistribution(float(low), float(high), log=log)


def _trial(
    cell: CellRecord,
    params: Params,
    space: Space,
    metric: str,
    times: tuple[datetime, datetime | None],
    sheets: SampleGrids,
    grids_of: Mapping[int, Grid],
) -> FrozenTrial:
    primary = next((score for score in cell.scores if score.is_primary), None)
    value = value_of(primary.measurements, metric) if primary is not None else None
    state = STATES.get(cell.state, TrialState.FAIL)
    if state is TrialState.COMPLETE and value is None:
        state = TrialState.FAIL  # its score is not finite
    shown = [grids_of[score.score_id] for score in cell.scores if score.score_id in grids_of]
    attributes: dict[str, Any] = {}
    for grid in shown:
        attributes |= sheets.list(grid)
    trial = create_trial(
        state=state,
        value=value if state is TrialState.COMPLETE else None,
        params={name: _typed(params[name], distribution) for name, distribution in space.items()},
        distributions=space,
        user_attrs=_attributes(cell)
        | ({m.name: m.value for m in primary.measurements if m.noise_set == OVER_NOISE_SETS} if primary else {}),
        system_attrs=attributes,
    )
    planned, finished = times
    if state is not TrialState.WAITING:
        trial.datetime_start = finished - timedelta(seconds=cell.seconds) if finished else planned
    if state.is_finished():
        trial.datetime_complete = finished or trial.datetime_start
    return trial


def _typed(value: Any, distribution: BaseDistribution) -> Any:
    """Numbers as the distribution has them: a factor with the levels 1 and 2.5 is one of floats."""
    if isinstance(distribution, CategoricalDistribution):
        return next(choice for choice in distribution.choices if choice == value)
    return float(value) if isinstance(distribution, FloatDistribution) else value


def _attributes(cell: CellRecord) -> dict[str, Any]:
    fields = {"arm": cell.arm_name, "phase": cell.phase, "replicate": cell.replicate, "run": cell.run_id}
    reason = cell.excluded_reason or cell.failure_reason or cell.failure
    return fields | {"state": cell.state} | ({"reason": reason} if reason else {})
