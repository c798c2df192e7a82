"""Scores of what exists, without a study: folders of images and arrays of them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sweep.api.locations import files_location
from sweep.api.preparation import Preparation
from sweep.api.progress import LaunchProgress, OnProgress, ignore_progress
from sweep.api.signals import interruptible
from sweep.config.data import DataConfig
from sweep.config.given import GivenItem
from sweep.config.protocol_request import ProtocolRequest
from sweep.config.run import Protocol
from sweep.config.study import Study
from sweep.data.facts import DATASET_FACTS
from sweep.data.given_images import read_given_images
from sweep.data.given_items import pinned_item
from sweep.errors import Preempted, SweepError, UnknownName, UsageError
from sweep.executors.local import slots
from sweep.files.file_store import file_store_at
from sweep.statistics.paired import ALPHA
from sweep.statistics.unpaired import Replicates, compare_unpaired
from sweep.worker.child import Child
from sweep.worker.messages import Counted, Failed, ItemsScored, Message
from sweep.worker.orders import ScoreItemsJob

__all__ = ["ItemResult", "Scores", "score"]


@dataclass(frozen=True)
class ItemResult:
    """The scores of one item.

    Attributes:
        path: Where it is, as it was named.
        sha256: Hash of its pixels.
        images: How many images it holds; `Scores.protocol` says how many were measured.
        scores: Name of a score -> its value, and its standard error over the images.
        suspicion: Why the numbers are not to be believed; empty where nothing is wrong.
        difference: Of the deciding score from the first item, with the ends of its 95 % interval, which hold for all
            items at once and cover the images of these items alone; None of the first item.
    """

    path: str
    sha256: str
    images: int
    scores: Mapping[str, tuple[float, float | None]]
    suspicion: str
    difference: tuple[float, float, float] | None


@dataclass(frozen=True)
class Scores:
    """Scores of items under one protocol.

    Attributes:
        protocol: Extractor and reference with their hashes, and the number of images.
        items: The items, in the order in which they were named.
    """

    protocol: Protocol
    items: Sequence[ItemResult]

    @property
    def notes(self) -> list[str]:
        """What to know before believing the numbers; one sentence each."""
        notes = [f"{item.path}: {item.suspicion}" for item in self.items if item.suspicion]
        cut = [item.path for item in self.items if item.images != self.protocol.n]
        if cut:
            notes.append(
                f"{self.protocol.n:,} images of each were measured, in a fixed random order of {', '.join(cut)}: "
                "distances of different numbers of images do not compare"
            )
        return notes

    def document(self) -> dict[str, Any]:
        """The same as JSON, with the keys of `sweep score --json`."""
        return {
            "protocol": self.protocol.model_dump(mode="json"),
            "label": self.protocol.label,
            "items": [
                {
                    "path": item.path,
                    "sha256": item.sha256,
                    "images": item.images,
                    "scores": {
                        name: {"value": value, "standard_error": error} for name, (value, error) in item.scores.items()
                    },
                    "difference": None
                    if item.difference is None
                    else dict(zip(("value", "low", "high"), item.difference, strict=True)),
                    "suspicion": item.suspicion,
                }
                for item in self.items
            ],
            "notes": self.notes,
        }


def score(
    paths: Sequence[str | os.PathLike[str]],
    *,
    against: str | os.PathLike[str],
    extractor: str = "classifier",
    reference: str = "train",
    n: int | None = None,
    device: str = "auto",
    files: str | os.PathLike[str] | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Scores:
    """Score folders and arrays of images. Nothing is recorded; extractors and references are kept for the next time.

    Args:
        paths: Folders of images of one size, or `.npz` files with `arr_0`, uint8 [N, H, W, C]. Differences are from the
            first.
        against: The real images: a data set by its name, such as `digits`, or a folder of images, of which nine tenths
            are the train split.
        extractor: `classifier` or `inception`.
        reference: Split of the real images: `train` or `test`.
        n: How many images of each to measure; None for as many as the smallest item has.
        device: `auto`, `cpu`, `cuda`, or one GPU such as `cuda:0`.
        files: Folder or URL of extractors and references; None for SWEEP_FILES or `sweep-data`.
        on_progress: Called with the state of a part of the work, up to several times a second.

    Raises:
        UsageError: An argument is wrong.
        DataError: An item, or the real images, cannot be read or used.
        Preempted: A signal asked to stop.
        SweepError: The scores cannot be made.

    Example:
        sweep.score(["ours", "theirs.npz"], against="fashion_mnist").items[0].scores["fid"]
    """
    if not paths:
        raise UsageError("there is nothing to score", next="Name folders or .npz files: sweep score samples")
    arrays = [read_given_images(Path(path)) for path in paths]
    counts, size = [len(images) for images in arrays], arrays[0].shape[2]
    data = _real_images(os.fspath(against), size)
    facts = DATASET_FACTS.get(data.name)
    count = min(counts) if n is None else n
    items = [
        pinned_item(
            GivenItem(path=os.fspath(path)),
            images=count,
            size=size if facts is None else facts.size,
            channels=None if facts is None else facts.channels,
        )
        for path in paths
    ]
    request = _request(extractor, reference, count)
    study = Study.model_validate(
        {
            "name": "score",
            "question": "What are the scores?",
            "baseline": {"data": data.model_dump()},
            "design": {"kind": "given", "items": {"baseline": items[0].model_dump()}},
            "protocol": request.model_dump(),
        }
    )
    slot, file_store = slots(device, 1, work=1)[0], file_store_at(files_location(files))
    prepared = Preparation(file_store, slot, on_progress).prepare(study)
    job = ScoreItemsJob(tuple(items), data, prepared.protocol, file_store)
    scored = _measured(job, Child(device=slot.device, threads=slot.threads), on_progress)
    differences = _differences([each.scores["fid"] for each in scored.items])
    results = [
        ItemResult(os.fspath(path), str(item.sha256), images, each.scores, each.suspicion, difference)
        for path, item, images, each, difference in zip(paths, items, counts, scored.items, differences, strict=True)
    ]
    return Scores(prepared.protocol, results)


def _real_images(against: str, size: int) -> DataConfig:
    if against in DATASET_FACTS:
        return DataConfig.model_validate({"name": against})
    if Path(against).is_dir():
        return DataConfig.model_validate({"name": "image_folder", "path": against, "size": size}).absolute()
    raise UnknownName("data set", against, DATASET_FACTS, next="Name one of these, or a folder of real images.")


def _request(extractor: str, reference: str, n: int) -> ProtocolRequest:
    for what, value, allowed in (
        ("extractor", extractor, ("classifier", "inception")),
        ("reference", reference, ("train", "test")),
    ):
        if value not in allowed:
            raise UnknownName(what, value, allowed)
    if n < 4:
        raise UsageError(f"n = {n}; fewer than 4 images have no standard error", next="Use more images.")
    return ProtocolRequest.model_validate({"extractor": extractor, "reference": reference, "n": n, "noise_sets": 1})


def _measured(job: ScoreItemsJob, child: Child, on_progress: OnProgress) -> ItemsScored:
    def on_message(message: Message) -> None:
        if isinstance(message, Counted):
            progress = LaunchProgress(message.what, message.done, message.total, message.unit, is_preparation=True)
            on_progress(progress)

    with interruptible() as interrupt:
        try:
            outcome = child.run(job, on_message=on_message, on_poll=lambda: interrupt.stop_requested)
        finally:
            child.close()
    if interrupt.stop_requested:
        stopped = Preempted("scoring was stopped", why="Nothing was recorded.")
        stopped.exit_code = interrupt.exit_code
        raise stopped
    if isinstance(outcome, Failed):
        what, _, why = outcome.reason.partition("\n")
        raise SweepError(f"no scores: {what}", why=why)
    assert isinstance(outcome, ItemsScored)
    return outcome


def _differences(scores: Sequence[tuple[float, float | None]]) -> list[tuple[float, float, float] | None]:
    sides = [
        Replicates(scores=np.array([value]), errors=np.array([np.nan if error is None else error]))
        for value, error in scores
    ]
    if len(sides) == 1:
        return [None]
    family = compare_unpaired(sides[1:], sides[0], alpha=ALPHA)
    rows = zip(family.mean, family.low, family.high, strict=True)
    return [None, *((float(mean), float(low), float(high)) for mean, low, high in rows)]
