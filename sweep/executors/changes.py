"""What a study file asks for beside what the store holds under its name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sweep.config.keys import train_key
from sweep.design.plan import StudyPlan, study_plan
from sweep.executors.register import same_images
from sweep.store import cells, study
from sweep.store.sql.transaction import Store
from sweep.store.stored_config import study_spec

Images = Literal["same", "moved", "changed"]


@dataclass(frozen=True)
class Change:
    """One cell.

    Attributes:
        kind: `changed` cells point to another run from then on; `dropped` ones are excluded. Nothing is deleted.
        state: That it has in the store now; None for an added one.
    """

    arm: str
    seed: int
    kind: Literal["added", "kept", "changed", "dropped"]
    state: str | None


def with_images_of(asked: StudyPlan) -> StudyPlan:
    """The same with the images that the study's folder holds now, as a launch would know them: reads all of them.

    Raises:
        DataError: the folder is missing, or an image cannot be read.
    """
    data = asked.study.baseline.data
    if data.path is None:
        return asked
    from sweep.data.sources import load

    return study_plan(asked.study.with_images(load(data.name, path=Path(data.path), size=data.size).content_sha256))


def images_of(store: Store, asked: StudyPlan) -> Images:
    """What became of the images since the launch.

    Raises:
        UsageError: the study is not in the store.
    """
    before = study_spec(study(store, asked.study.name).spec, of=asked.study.name)
    if not same_images(before, asked.study):
        return "changed"
    return "same" if before.baseline.data.path == asked.study.baseline.data.path else "moved"


def changes_of(store: Store, asked: StudyPlan) -> list[Change]:
    """Every confirmation cell of either, in the order of the file; search trials always stay.

    Raises:
        UsageError: the study is not in the store.
    """
    held = {
        (cell.arm_name, cell.replicate): cell
        for cell in cells(store, study(store, asked.study.name).id)
        if cell.phase == "confirm"
    }
    found: list[Change] = []
    for cell in asked.cells:
        old = held.pop((cell.arm_name, cell.replicate), None)
        if old is None:
            found.append(Change(cell.arm_name, cell.train_config.seed, "added", None))
        else:
            kind: Literal["kept", "changed"] = "kept" if old.train_key == train_key(cell.train_config) else "changed"
            found.append(Change(cell.arm_name, cell.train_config.seed, kind, old.state))
    left = held.values() if asked.cells else ()  # the cells of a search are decided on the way
    return [*found, *(Change(cell.arm_name, cell.seed, "dropped", cell.state) for cell in left)]
