"""The forecast of a study: arms, power and cost before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sweep.api.plan_text import (
    fraction_document,
    fraction_sentences,
    power_sentences,
    subset_sentence,
)
from sweep.api.power import Power
from sweep.api.units import bytes_text, time_text
from sweep.config.designs.fractional_factorial import Fraction
from sweep.config.factors import Changes, level_name
from sweep.config.interim_analyses import MIN_SEEDS
from sweep.config.protocol_request import MIN_NOISE_SETS
from sweep.planning.plan import StudyPlan
from sweep.quantities import quantity
from sweep.scoring.needs import Data
from sweep.worker.messages import Timed

# The field's chains are longer; what a schedule is named for is tried and published there.
SHORTEST_USUAL_T = 50


@dataclass(frozen=True)
class ArmForecast:
    """An arm before it is trained. Facts of the schedule are None where images are given.

    Attributes:
        name: Name of the arm.
        changes: Settings that differ from the baseline, by name.
        alphas_bar_T: Share of the signal's variance that is left at the end of the noise schedule.
        snr_T: Signal-to-noise ratio at the last step of the schedule.
        snr_1: Signal-to-noise ratio at its first step.
        prior_bits_per_dim: The prior's part of the variational bound, in bits per dimension.
    """

    name: str
    changes: Changes
    alphas_bar_T: float | None
    snr_T: float | None
    snr_1: float | None
    prior_bits_per_dim: float | None


@dataclass(frozen=True, kw_only=True)
class StudyForecast:
    """What a study will train, cost and be able to show.

    Attributes:
        plan: The study with its arms, cells, and numbers of trainings and scores.
        arms: One for each arm, the baseline first.
        devices: Device of each worker that the time is estimated for.
        power: The deciding test and the smallest effect that it detects; None where no arm is compared.
        fraction: Generators and aliases of a fractional factorial design; None for other designs.
        images: What the folder of images holds; None for a published data set.
        image_notes: Remarks on these images.
        timing: Times of a few steps; None where they were not measured.
    """

    plan: StudyPlan
    arms: Sequence[ArmForecast]
    devices: Sequence[str]
    power: Power | None
    fraction: Fraction | None
    images: Data | None
    image_notes: Sequence[str]
    timing: Timed | None

    def __str__(self) -> str:
        texts = [
            f"{self.plan.study.name}: {len(self.arms)} arm{'s' * (len(self.arms) != 1)}",
            f"{self.trainings} training{'s' * (self.trainings != 1)}",
            f"{self.scores} score{'s' * (self.scores != 1)}",
        ]
        if self.seconds is not None and self.disk_bytes is not None:
            workers = f"{len(self.devices)} worker{'s' * (len(self.devices) != 1)}"
            texts += [f"about {time_text(self.seconds)} on {workers}", bytes_text(self.disk_bytes)]
        return ", ".join(texts)

    __repr__ = __str__

    @property
    def trainings(self) -> int:
        """Different trainings in all."""
        return self.plan.trainings

    @property
    def scores(self) -> int:
        """Different scores in all."""
        return self.plan.scores

    @property
    def seconds(self) -> float | None:
        """Estimated time until the study is complete, in seconds; None where no steps were timed."""
        if self.timing is None:
            return None
        return self.plan.seconds(
            step_seconds=self.timing.step_seconds, call_seconds=self.timing.call_seconds, parallel=len(self.devices)
        )

    @property
    def disk_bytes(self) -> int | None:
        """Estimated size of all files, in bytes; None where no steps were timed."""
        return None if self.timing is None else self.plan.disk_bytes(parameters=self.timing.parameters)

    @property
    def short_chains(self) -> list[str]:
        """Names of arms with fewer diffusion steps than is usual."""
        study = self.plan.study
        return [
            arm.name
            for arm in self.arms
            if arm.alphas_bar_T is not None and study.setting(arm.changes).T < SHORTEST_USUAL_T
        ]

    @property
    def notes(self) -> list[str]:
        """The plan in sentences: design, trainings and scores, power, cost, and what is legal and hardly meant."""
        return _sentences(self)

    def document(self) -> dict[str, Any]:
        """The same as JSON, with the keys of `sweep plan --json`."""
        study = self.plan.study
        content: dict[str, Any] = {
            "study": study.name,
            "question": study.question,
            "design": study.design.kind,
            "arms": [asdict(arm) for arm in self.arms],
            "arms_sha256": self.plan.arms_sha256,
            "seeds": study.seeds,
            "trainings": self.trainings,
            "scores": self.scores,
            "trainings_saved": self.plan.trainings_saved,
            "workers": list(self.devices),
            "short_chains": self.short_chains,
            "power": None if self.power is None else self.power.document(),
        }
        if self.fraction is not None:
            content["fraction"] = fraction_document(self.fraction)
        if self.timing is not None:
            content |= {"parameters": self.timing.parameters, "step_seconds": self.timing.step_seconds}
            content |= {"seconds": self.seconds, "disk_bytes": self.disk_bytes}
        if self.images is not None:
            content["images"] = {**asdict(self.images.sizes), "found": [str(self.images), *self.image_notes]}
        return content


def _sentences(forecast: StudyForecast) -> list[str]:
    study = forecast.plan.study
    sentences = [sentence for sentence in [study.design.plan_text(study), subset_sentence(study)] if sentence]
    if forecast.fraction is not None:
        sentences += fraction_sentences(forecast.fraction, len(study.factors_of("scientific")))
    sentences.append(_work_sentence(forecast))
    sentences += _note_sentences(forecast)
    if forecast.power is not None:
        is_fcd = study.metric == "fid" and study.protocol.extractor == "classifier"
        sentences += power_sentences(forecast.power, "FCD" if is_fcd else study.metric)
    sentences += _cost_sentences(forecast)
    return [*sentences, f"hash of the list of arms: {forecast.plan.arms_sha256[:12]} (recorded at launch)"]


def _work_sentence(forecast: StudyForecast) -> str:
    study = forecast.plan.study
    images = f"{study.protocol.noise_sets} x {study.protocol.n:,} images"
    if not study.design.trains:
        items = min(study.design.replicates(arm.name) or 1 for arm in forecast.arms)
        verdicts = (
            f"verdicts need {MIN_SEEDS} items of each arm; with one, intervals are over its images alone"
            if items < MIN_SEEDS
            else f"at least {items} items of each arm"
        )
        return f"nothing is trained; {quantity(forecast.scores, 'score')} of {images}; {verdicts}"
    return (
        f"{quantity(forecast.trainings, 'training')} ({quantity(study.seeds, 'seed')}), "
        f"{quantity(forecast.scores, 'score')} of {images}"
    )


def _note_sentences(forecast: StudyForecast) -> list[str]:
    study, notes = forecast.plan.study, []
    if study.protocol.noise_sets < MIN_NOISE_SETS and study.design.trains:
        notes.append(
            f"note: at least {MIN_NOISE_SETS} noise sets are needed to see how much a score depends on the noise"
        )
    if forecast.images is not None:
        notes += [str(forecast.images), *forecast.image_notes]
    notes += forecast.plan.notes
    if forecast.plan.trainings_saved:
        factors = ", ".join([*study.factors_of("evaluation"), *(["protocol.along"] if study.protocol.along else [])])
        notes.append(
            f"{quantity(forecast.plan.trainings_saved, 'training')} saved: all levels of {factors} are scored from one "
            "checkpoint"
        )
    if forecast.short_chains:
        notes.append(
            f"note: T below {SHORTEST_USUAL_T} in {', '.join(forecast.short_chains)}: schedules were made for "
            "longer chains; look at alphas_bar_T and SNR_T above"
        )
    return notes


def _cost_sentences(forecast: StudyForecast) -> list[str]:
    timing, seconds, disk_bytes = forecast.timing, forecast.seconds, forecast.disk_bytes
    if timing is None or seconds is None or disk_bytes is None:
        return []
    return [
        f"about {time_text(seconds)} on {quantity(len(forecast.devices), 'worker')} "
        f"({', '.join(sorted(set(forecast.devices)))}; {timing.step_seconds * 1e3:.1f} ms a step), "
        f"{bytes_text(disk_bytes)} of disk; the net has {timing.parameters:,} parameters",
        "the time leaves out the start of the workers, and the first preparation of data, extractor and reference",
    ]


def changes_text(arm: ArmForecast) -> str:
    """The settings of an arm that differ from the baseline, in words.

    Args:
        arm: The arm.

    Returns:
        Text such as `schedule: cosine, lr: 0.001`; a dash for the baseline.
    """
    return ", ".join(f"{name}: {level_name(value)}" for name, value in arm.changes.items()) or "-"
