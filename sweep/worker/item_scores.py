"""Scores of items that were not trained here: of a study, or for a person outside of any study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from sweep.config.given import GivenItem
from sweep.data.given_images import read_given_images
from sweep.data.given_items import archived_images
from sweep.errors import Preempted
from sweep.scoring.evaluated_net import ExtraMetrics
from sweep.scoring.given import score_given_images
from sweep.scoring.progress import Progress
from sweep.worker.machine import PeakMemory
from sweep.worker.messages import ItemScore, ItemsScored, Scored, Send, ShouldStop
from sweep.worker.orders import ScoreItemsJob, ScoreJob
from sweep.worker.preparation import counting, evaluator_of
from sweep.worker.run_files import upload_file
from sweep.worker.score_record import score_record


def score_items(job: ScoreItemsJob, device: torch.device, send: Send, should_stop: ShouldStop) -> ItemsScored:
    """Measure each item.

    Args:
        job: The items, the real images, and the protocol.
        device: Device on which features are computed.
        send: Sends the number of items that are measured.
        should_stop: Whether the scores are not wanted any more.

    Returns:
        The scores of each item, in the order of the job.

    Raises:
        Preempted: The scores are not wanted any more.
        ProtocolError: A number would have no meaning.
    """
    evaluator, count = evaluator_of(job.protocol, job.data, job.files, device), counting("measuring", send, "items")
    scores = []
    for done, item in enumerate(job.items):
        if should_stop():
            raise Preempted(f"scoring was stopped after {done} of {len(job.items)} items")
        with TemporaryDirectory() as folder:
            scored = score_given_images(read_given_images(Path(item.path)), evaluator, folder=Path(folder))
        numbers = {name: (each.value, each.standard_error) for name, each in scored.means.items()}
        scores.append(ItemScore(numbers, scored.suspicion or ""))
        count(done + 1, len(job.items))
    return ItemsScored(tuple(scores))


def score_given(
    job: ScoreJob, item: GivenItem, device: torch.device, on_measured: Progress, should_stop: ShouldStop
) -> Scored:
    """Measure an item of a study, which was not trained here.

    Args:
        job: The run, the evaluation and its protocol.
        item: What the run is.
        device: Device on which it measures.
        on_measured: Called with (images measured, images in all); may raise Preempted.
        should_stop: Whether the worker wants the score stopped.

    Returns:
        Every number of the score, and its files.

    Raises:
        Preempted: The worker wanted the score stopped.
        ImagesUnavailable: The item is not in the file store, or has other content there.
    """
    memory, images = PeakMemory(device), archived_images(job.files, item)
    evaluator = evaluator_of(job.protocol, job.train.data, job.files, device)
    result = score_given_images(images, evaluator, folder=job.files.path(job.folder), on_progress=on_measured)
    record = replace(score_record(result, ExtraMetrics(), job.folder, job.files.folder), peak_bytes=memory.bytes)
    for artifact in record.artifacts:
        upload_file(job.files, artifact.path, should_stop)
    return Scored(record)
