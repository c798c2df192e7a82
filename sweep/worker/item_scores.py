"""Scores of items for a person, outside of any study: measured, and not recorded."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from sweep.data.given_images import read_given_images
from sweep.errors import Preempted
from sweep.scoring.given import score_given_images
from sweep.worker.messages import ItemScore, ItemsScored, Send, ShouldStop
from sweep.worker.orders import ScoreItemsJob
from sweep.worker.preparation import counting, evaluator_of


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
