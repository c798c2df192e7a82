"""Rungs of a search: where trials are compared before their end, by which protocol, and which of them are promoted.

All pure functions of the study and of what the store holds. Optuna hears of every rung's score, but decides nothing
here: its halving counts how often it was asked, so that a decision repeated after a kill comes out otherwise, and its
median compares the best over all rungs, although scores under different N differ by their bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from sweep.config.designs.pruner import Pruner
from sweep.config.keys import protocol_key
from sweep.config.run import Protocol
from sweep.config.study import Study
from sweep.planning.trial_records import value_of
from sweep.store.cell_records import CellRecord


@dataclass(frozen=True)
class Rung:
    """One comparison.

    Attributes:
        images: Images seen at which trials are compared, by the study file's share: the same in every trial.
        step: Of this run: with another batch it is another one. At least 1.
        protocol: That scores are made under here.
    """

    images: int
    step: int
    protocol: Protocol


def ladder_of(study: Study, protocol: Protocol) -> list[Protocol]:
    """The cheaper protocols of a study, cheapest first: the reporting one with fewer images.

    Args:
        study: The study, as read from its file.
        protocol: The protocol that the study reports.
    """
    return [
        protocol.model_copy(update={"n": step.n, "noise_sets": tuple(range(step.noise_sets))})
        for step in study.protocol.ladder
    ]


def first_rung_step(study: Study, *, batch: int, images: int) -> int | None:
    """Step at which a trial of this size pauses first; None where nothing is pruned before its end.

    Args:
        study: The study, as read from its file.
        batch: Images in a batch.
        images: Images that the training sees in all.
    """
    return next(iter(_steps(study, batch, images)), None)


def trial_rungs(study: Study, protocol: Protocol, *, batch: int, images: int) -> list[Rung]:
    """The rungs of a trial of this size, in order. Rungs past its end are left out: it has none of them to pass.

    Args:
        study: The study, as read from its file.
        protocol: The study's own, with its hashes.
        batch: Images in a batch.
        images: Images that the training sees in all.
    """
    ladder = ladder_of(study, protocol) or [protocol]
    return [
        Rung(seen, step, ladder[min(index, len(ladder) - 1)])
        for index, (step, seen) in enumerate(_steps(study, batch, images).items())
    ]


def _steps(study: Study, batch: int, images: int) -> dict[int, int]:
    pruner = study.design.pruned_by()
    if pruner is None:
        return {}
    return pruner.steps(baseline_images=study.baseline.images, batch=batch, images=images)


def score_at(cell: CellRecord, step: int, protocol: Protocol, metric: str) -> float | None:
    """A run's score at a step under a protocol, where it was made and is finite.

    Args:
        cell: The cell, as the store holds it.
        step: Optimizer step of the weights.
        protocol: Extractor, reference, number of images and noise sets of the score.
        metric: Name of the measurement, such as `fid`.
    """
    key = protocol_key(protocol)
    score = next((rung for rung in cell.rungs if (rung.step, rung.protocol_key) == (step, key)), None)
    return None if score is None else value_of(score.measurements, metric)


def is_promoted(pruner: Pruner, value: float, others: Sequence[float]) -> bool:
    """Whether a trial passes a rung; lower is better, and of equals both pass.

    Args:
        pruner: The rule of the study that ends trials at a rung.
        value: Its score there.
        others: Those of the trials that came there before, pruned or not.
    """
    if len(others) < pruner.startup:
        return True
    return value <= threshold(pruner, value, others)


def threshold(pruner: Pruner, value: float, others: Sequence[float]) -> float:
    """The worst score that passes beside these.

    Args:
        pruner: The rule of the study that ends trials at a rung.
        value: Score of the trial there.
        others: Scores of the trials that came there before, pruned or not.
    """
    if pruner.kind == "median":
        return median(others)
    # Asynchronous successive halving (Li et al. 2020, algorithm 2): nobody waits, so the best so far always passes.
    came = sorted([*others, value])
    return came[max(len(came) // pruner.reduction_factor, 1) - 1]
