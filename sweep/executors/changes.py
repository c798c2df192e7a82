"""How a study file differs from the study that the store holds under its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sweep.config.keys import train_key
from sweep.executors.register import same_images
from sweep.planning.plan import StudyPlan
from sweep.store import cells, study
from sweep.store.sql.transaction import Store
from sweep.store.states import Phase
from sweep.store.stored_config import study_spec

ImagesChange = Literal["same", "moved", "changed"]


@dataclass(frozen=True)
class Change:
    """What an edited study file does to one cell.

    Attributes:
        arm: Name of the arm.
        seed: Training seed of the cell.
        kind: A `changed` cell gets another run; a `dropped` one is excluded. Nothing is deleted.
        state: State of the cell in the store now; None for an added cell.
    """

    arm: str
    seed: int
    kind: Literal["added", "kept", "changed", "dropped"]
    state: str | None


def with_images_of(plan: StudyPlan) -> StudyPlan:
    """The study plan with the hash of the images that its folder holds now. It reads all of them, as a launch does.

    Args:
        plan: The plan of the study file; one of a published data set is returned as it is.

    Raises:
        DataError: The folder is missing, or an image cannot be read.
    """
    data = plan.study.baseline.data
    if data.path is None:
        return plan
    from sweep.data.sources import load_dataset

    return plan.with_images(load_dataset(data.name, path=Path(data.path), size=data.size).content_sha256)


def images_change(store: Store, plan: StudyPlan) -> ImagesChange:
    """How the images have changed since the launch.

    Args:
        store: The store that holds the study.
        plan: The plan of the study file, with the hash of its images (`with_images_of`).

    Returns:
        `same`; `moved` for the same images in another folder; `changed` for other images.

    Raises:
        UsageError: The study is not in the store.
    """
    before = study_spec(study(store, plan.study.name).spec, of=plan.study.name)
    if not same_images(before, plan.study):
        return "changed"
    return "same" if before.baseline.data.path == plan.study.baseline.data.path else "moved"


def study_changes(store: Store, plan: StudyPlan) -> list[Change]:
    """Every confirmation cell of the file or of the store, in the order of the file. Trials of a search never change.

    Args:
        store: The store that holds the study.
        plan: The plan of the study file.

    Raises:
        UsageError: The study is not in the store.
    """
    stored_cells = {
        (cell.arm_name, cell.replicate): cell
        for cell in cells(store, study(store, plan.study.name).id)
        if cell.phase == Phase.CONFIRM
    }
    changes: list[Change] = []
    for cell in plan.cells:
        stored = stored_cells.pop((cell.arm_name, cell.replicate), None)
        if stored is None:
            changes.append(Change(cell.arm_name, cell.train_config.seed, "added", None))
        else:
            kind: Literal["kept", "changed"] = "kept" if stored.train_key == train_key(cell.train_config) else "changed"
            changes.append(Change(cell.arm_name, cell.train_config.seed, kind, stored.state))
    added_later = {arm.name for arm in plan.arms} if plan.study.stops_decided else set()
    dropped = [
        cell
        for cell in (stored_cells.values() if plan.cells else ())  # a search decides its cells while it runs
        if cell.arm_name not in added_later or cell.replicate >= plan.study.seeds
    ]
    return [*changes, *(Change(cell.arm_name, cell.seed, "dropped", cell.state) for cell in dropped)]
