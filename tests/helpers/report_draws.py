"""The cells of a planted study, and what training and scoring each of them will find: drawn before any work is done."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sweep.config.run import EvalConfig, Setting, TrainConfig
from sweep.diffusion.facts import ScheduleFacts
from sweep.diffusion.schedule_facts import schedule_facts
from sweep.diffusion.schedules import beta_schedule
from sweep.planning.cells import SEARCH_SEED_OFFSET
from sweep.store.records import Measurement, MetricPoint, NewCell, ScoreRequest
from tests.helpers.report_specs import ArmSpec, End, StoreSpec

POINTS = 12
OTHERS = {"kid": (0.004, 0.0002), "precision": (0.80, 0.01), "recall": (0.71, 0.01), "inception_score": (8.1, 0.1)}


@dataclass(frozen=True)
class DrawnCell:
    """A replicate of an arm.

    Attributes:
        cell: What is planned.
        parameters: Of the trained net.
        seconds: That the training takes.
        losses: Of the curve, one for each of its points.
        failed: How the training ends early, if it does.
        excluded: Why the cell is left out once it is done, if it is.
        scores: What each evaluation measures.
    """

    cell: NewCell
    parameters: int
    seconds: float
    losses: tuple[float, ...]
    failed: End | None
    excluded: str | None
    scores: Mapping[EvalConfig, tuple[Measurement, ...]]

    def points(self, curves_from: int) -> Iterator[MetricPoint]:
        """The curve, as far as the training gets; no value before step `curves_from` is finite."""
        train = self.cell.train_config
        for point, loss in enumerate(self.losses, start=1):
            step = train.steps * point // POINTS
            diverged = self.failed is not None and self.failed[1] == "nan" and point > POINTS // 3
            found = {"train_loss": math.nan if diverged else loss}
            if not diverged:
                found |= {"images_per_second": 8000.0, "lr": 2e-4}
                found |= {"validation_loss": 1.05 * loss} if point % 3 == 0 else {}
            for name, value in found.items():
                yield MetricPoint(name, step, step * train.batch, math.nan if step < curves_from else value)


def drawn(spec: StoreSpec) -> Iterator[DrawnCell]:
    """Every cell of a study, arm by arm."""
    random = np.random.default_rng(spec.random)
    seed_part = random.normal(0, spec.seed_sd, size=1000)
    for position, arm in enumerate(spec.arms):
        for replicate in range(spec.seeds) if arm.replicates is None else arm.replicates:
            noise = random.normal(0, 0.002, size=POINTS) if spec.curves else ()
            failed = arm.failed.get(replicate)
            losses = [0.3 / point**0.5 + 0.02 * position + each for point, each in enumerate(noise, start=1)]
            cell = _cell(spec, arm, position, replicate)
            scores: dict[EvalConfig, tuple[Measurement, ...]] = {}
            if failed is None:
                value = spec.mean + arm.effect + seed_part[replicate] + random.normal(0, spec.arm_sd)
                for number, read_transaction in enumerate(cell.score_requests):
                    finite = replicate not in arm.unscored
                    shifted = value + 0.4 * number + arm.level_effects.get(number, 0.0)
                    scores[read_transaction.eval_config] = _measured(random, shifted, spec, finite=finite)
            yield DrawnCell(
                cell=cell,
                parameters=35_746 + 10 * position,
                seconds=120.0 + position,
                losses=tuple(losses if failed is None else losses[: POINTS // 2]),
                failed=failed,
                excluded=arm.excluded.get(replicate),
                scores=scores,
            )


def _cell(spec: StoreSpec, arm: ArmSpec, position: int, replicate: int) -> NewCell:
    changes = {name: value for name, value in arm.changes.items() if name in Setting.model_fields}
    setting = Setting(**{**spec.baseline, **changes})
    seed = spec.first_seed + replicate + (SEARCH_SEED_OFFSET if arm.phase == "search" else 0)
    decays = {setting.ema_decay, *(level["ema_decay"] for level in spec.levels if "ema_decay" in level)}
    config = setting.train_config(seed=seed, ema_decays=tuple(decays))
    trials = [each for each in spec.arms[:position] if each.phase == "search"]
    # Candidates of a path are no trials of Optuna's and have no number of its.
    numbered = arm.phase == "search" and spec.design["kind"] != "path"
    return NewCell(
        arm_name=arm.name,
        phase=arm.phase,
        replicate=replicate,
        train_config=config,
        facts=_facts(config),
        score_requests=[
            ScoreRequest(
                dict(level), EvalConfig(**{**setting.eval_config().model_dump(), **level}), is_primary=not level
            )
            for level in spec.levels
        ],
        trial_number=len(trials) if numbered else None,
    )


def _facts(config: TrainConfig) -> ScheduleFacts:
    betas = beta_schedule(config.schedule, config.T, beta_1=config.beta_1, beta_T=config.beta_T)
    return schedule_facts(betas)


def _measured(random: np.random.Generator, value: float, spec: StoreSpec, *, finite: bool) -> tuple[Measurement, ...]:
    sets = value + random.normal(0, spec.noise_sd, size=len(spec.protocol.noise_sets))
    found = [Measurement("fid", number, float(each), spec.noise_sd) for number, each in enumerate(sets)]
    found.append(Measurement("fid", -1, float(sets.mean()), float(sets.std(ddof=1) / len(sets) ** 0.5)))
    others = [Measurement(name, -1, mean + random.normal(0, sd), sd) for name, (mean, sd) in OTHERS.items()]
    return (*(found if finite else ()), *others)
