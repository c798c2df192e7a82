"""Stores whose answers are known: rows drawn from stated distributions and written straight into the tables."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import Connection, Engine, Table, insert, select

from sweep.config.keys import eval_key, protocol_key, train_key
from sweep.config.run import EvalConfig, Protocol, Setting
from sweep.diffusion.schedule_facts import schedule_facts
from sweep.diffusion.schedules import beta_schedule
from sweep.store import open_store as open_sweep_store
from sweep.store.sql.schema import (
    ARM,
    ARTIFACT,
    ATTEMPT,
    CELL,
    EVENT,
    MEASUREMENT,
    METRIC,
    READING,
    REVISION,
    RUN,
    SCORE,
    STUDY,
    WORKER,
)
from sweep.store.states import AttemptEnd

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PROTOCOL = Protocol(
    extractor="classifier", extractor_sha256="ab" * 32, reference_sha256="cd" * 32, n=1000, noise_sets=(0, 1, 2)
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
VERSIONS = {"ddpm-sweep": "0.1.0", "optuna": "5.0.0", "torch": "2.15.0"}
OTHERS = {"kid": (0.004, 0.0002), "precision": (0.80, 0.01), "recall": (0.71, 0.01), "inception_score": (8.1, 0.1)}


@dataclass
class ArmSpec:
    """One arm as planted: `effect` is added to every FID of the baseline."""

    name: str
    changes: dict[str, Any]
    effect: float = 0.0
    replicates: Sequence[int] | None = None
    failed: Mapping[int, tuple[str, str, str]] = field(default_factory=dict)
    """replicate -> (run state, failure, reason)"""
    excluded: Mapping[int, str] = field(default_factory=dict)
    phase: str = "confirm"


@dataclass
class StoreSpec:
    """A study as planted. FID = mean + effect + seed part (shared by arms) + arm part + noise part."""

    arms: Sequence[ArmSpec]
    name: str = "digits"
    question: str = "Does the cosine schedule help at T = 250?"
    seeds: int = 8
    mean: float = 12.0
    seed_sd: float = 0.5
    arm_sd: float = 0.15
    noise_sd: float = 0.05
    baseline: Mapping[str, Any] = field(default_factory=lambda: {"T": 250, "schedule": "linear_scaled"})
    design: Mapping[str, Any] = field(default_factory=lambda: {"kind": "one_at_a_time"})
    factors: Mapping[str, Any] = field(default_factory=dict)
    levels: Sequence[dict[str, Any]] = ({},)
    curves: bool = True
    grids: bool = True
    workers: int = 1
    random: int = 0


def open_store(path: Path) -> Engine:
    return open_sweep_store(f"sqlite:///{path}").engine


def fill(engine: Engine, spec: StoreSpec, files: Path) -> dict[str, Any]:
    """Write the study; gives back the FIDs by (arm, replicate)."""
    with engine.begin() as connection:
        writer = Writer(connection, spec, files)
        for position, arm in enumerate(spec.arms):
            writer.arm(position, arm)
        return writer.told


class Writer:
    def __init__(self, connection: Connection, spec: StoreSpec, files: Path) -> None:
        self.connection, self.spec, self.files = connection, spec, files
        self.random = np.random.default_rng(spec.random)
        self.seed_part = self.random.normal(0, spec.seed_sd, size=1000)
        self.told: dict[str, Any] = {}
        self.study = self.add(STUDY, name=spec.name, question=spec.question, created_at=START)
        told = {
            "name": spec.name,
            "question": spec.question,
            "baseline": dict(spec.baseline),
            "design": dict(spec.design),
            "factors": dict(spec.factors),
            "seeds": spec.seeds,
            "metric": "fid",
        }
        self.add(
            REVISION,
            study_id=self.study,
            number=1,
            spec=told,
            spec_sha256="11" * 32,
            arms_sha256="22" * 32,
            protocol=PROTOCOL.model_dump(mode="json"),
            protocol_key=protocol_key(PROTOCOL),
            versions=VERSIONS,
            reason="launched",
            accepted_at=START,
        )
        for number in range(spec.workers):
            self.worker(number)
        done = {"kind": "done", "message": "all cells done", "detail": {}}
        self.add(EVENT, study_id=self.study, at=START + timedelta(hours=9), **done)

    def add(self, table: Table[Any], **values: Any) -> Any:
        """Insert a row; gives back its id."""
        return self.connection.execute(insert(table).values(values)).inserted_primary_key[0]

    def worker(self, number: int) -> None:
        """Two studies of one store share their workers."""
        known = select(WORKER.c.id).where(WORKER.c.id == f"w{number}")
        if self.connection.execute(known).first() is not None:
            return
        environment = {
            "python": "3.11.7",
            "cpu": "Some CPU",
            "gpu": f"Fast {100 + number}",
            "threads": 2,
            "versions": {"torch": "2.15.0", "numpy": "2.4.6"},
            "source": {"version": "0.1.0", "commit": COMMIT, "dirty": False},
        }
        self.add(
            WORKER,
            id=f"w{number}",
            host=f"node{number}",
            boot_id="b",
            pid=1,
            pid_started=0.0,
            device="cuda:0",
            environment=environment,
            started_at=START,
            seen_at=START,
        )

    def arm(self, position: int, arm: ArmSpec) -> None:
        baseline = not arm.changes
        row = {"study_id": self.study, "position": position, "name": arm.name, "changes": arm.changes}
        arm_id = self.add(ARM, **row, is_baseline=baseline)
        for replicate in range(self.spec.seeds) if arm.replicates is None else arm.replicates:
            self.cell(arm_id, position, arm, replicate)

    def cell(self, arm_id: int, position: int, arm: ArmSpec, replicate: int) -> None:
        changes = {key: value for key, value in arm.changes.items() if key in Setting.model_fields}
        setting = Setting(**{**self.spec.baseline, **changes})
        seed = replicate + (1_000_000 + arm_id if arm.phase == "search" else 0)
        config = setting.train_config(seed=seed, ema_decays=(0.999,))
        facts = schedule_facts(beta_schedule(config.schedule, config.T, beta_1=config.beta_1, beta_T=config.beta_T))
        state, failure, reason = arm.failed.get(replicate, ("trained", None, None))
        failed = state != "trained"
        run = {
            # Arms that change nothing that is trained share a run; placebo arms of these tests must not.
            "train_key": hashlib.sha256(f"{self.study} {arm_id} {train_key(config)}".encode()).hexdigest(),
            "config": config.model_dump(mode="json"),
            "state": state,
            "seed": seed,
            "step": config.steps // 2 if failed else config.steps,
            "steps": config.steps,
            "images": config.images,
            "parameters": 35_746 + 10 * position,
            "alphas_bar_T": facts.alphas_bar_T,
            "snr_1": facts.snr_1,
            "snr_T": facts.snr_T,
            "prior_bits_per_dim": facts.prior_bits_per_dim,
            "created_at": START,
            "finished_at": None if failed else START + timedelta(hours=1),
            "seconds": 120.0 + position,
            "failure": failure,
            "failure_reason": reason,
        }
        run_id = self.add(RUN, **run)
        cell_id = self.add(
            CELL,
            study_id=self.study,
            arm_id=arm_id,
            phase=arm.phase,
            replicate=replicate,
            run_id=run_id,
            revision=1,
            trial_number=position * 1000 + replicate if arm.phase == "search" else None,
            excluded_reason=arm.excluded.get(replicate),
        )
        self.add(
            ATTEMPT,
            run_id=run_id,
            token=1,
            worker_id=f"w{replicate % self.spec.workers}",
            last_step=run["step"],
            started_at=START,
            ended_at=START + timedelta(minutes=2),
            end_reason=failure if failed else AttemptEnd.TRAINED,
        )
        if self.spec.curves:
            self.curve(run_id, run, position)
        if not failed:
            value = self.spec.mean + arm.effect + self.seed_part[replicate] + self.random.normal(0, self.spec.arm_sd)
            readings = enumerate(self.spec.levels)
            told = [self.score(run_id, cell_id, setting, level, value + 0.4 * k) for k, level in readings]
            self.told[arm.name, replicate] = told[0]

    def curve(self, run_id: int, run: dict[str, Any], position: int) -> None:
        for point in range(1, 13):
            loss: float | None = 0.3 / point**0.5 + 0.02 * position + self.random.normal(0, 0.002)
            images = run["config"]["images"] * point // 12
            told = {"train_loss": loss, "images_per_second": 8000.0, "lr": 2e-4}
            if point % 3 == 0:
                told["validation_loss"] = 1.05 * (loss or 0.0)
            if run["state"] == "infeasible" and point > 4:
                told = {"train_loss": None}
            for name, value in told.items():
                step = images // run["config"]["batch"]
                self.add(METRIC, run_id=run_id, name=name, step=step, images=images, value=value, token=1)

    def score(self, run_id: int, cell_id: int, setting: Setting, level: dict[str, Any], value: float) -> float:
        config = EvalConfig(**{**setting.eval_config().model_dump(), **level})
        score_id = self.add(
            SCORE,
            run_id=run_id,
            eval_key=eval_key(config, PROTOCOL),
            config=config.model_dump(mode="json"),
            protocol=PROTOCOL.model_dump(mode="json"),
            protocol_key=protocol_key(PROTOCOL),
            state="complete",
            sampling_seconds=0.4 * config.sampling_steps,
            features_seconds=3.0,
            statistics_seconds=1.0,
            seconds=4.0 + 0.4 * config.sampling_steps,
            finished_at=START + timedelta(hours=2),
        )
        self.add(
            ATTEMPT,
            run_id=run_id,
            score_id=score_id,
            token=1,
            worker_id="w0",
            started_at=START + timedelta(hours=1),
            ended_at=START + timedelta(hours=2),
            end_reason=AttemptEnd.COMPLETE,
        )
        self.add(READING, cell_id=cell_id, score_id=score_id, level=level, is_primary=not level)
        drawn = value + self.random.normal(0, self.spec.noise_sd, size=len(PROTOCOL.noise_sets))
        for noise_set, single in enumerate(drawn):
            self.measure(score_id, "fid", noise_set, single, self.spec.noise_sd)
        self.measure(score_id, "fid", -1, drawn.mean(), drawn.std(ddof=1) / len(drawn) ** 0.5)
        for name, (mean, sd) in OTHERS.items():
            self.measure(score_id, name, -1, mean + self.random.normal(0, sd), sd)
        if self.spec.grids and not level:
            self.grid(run_id, score_id)
        return float(drawn.mean())

    def measure(self, score_id: int, name: str, noise_set: int, value: float, error: float) -> None:
        self.add(MEASUREMENT, score_id=score_id, name=name, noise_set=noise_set, value=value, standard_error=error)

    def grid(self, run_id: int, score_id: int) -> None:
        pixels = np.random.default_rng(run_id).integers(0, 255, size=(64, 64), dtype=np.uint8)  # 8 x 8 images of 8 x 8
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, format="png")
        path = f"grids/{score_id}.png"
        (self.files / "grids").mkdir(parents=True, exist_ok=True)
        (self.files / path).write_bytes(buffer.getvalue())
        self.add(
            ARTIFACT,
            run_id=run_id,
            score_id=score_id,
            kind="grid",
            path=path,
            sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
            bytes=len(buffer.getvalue()),
            token=1,
            created_at=START,
        )


def ablation(**changes: Any) -> StoreSpec:
    """Four arms: clearly better, clearly worse, nothing, and one whose schedule ends with signal left."""
    arms = [
        ArmSpec("baseline", {}),
        ArmSpec("schedule=cosine", {"schedule": "cosine"}, effect=-1.2),
        ArmSpec("lr=0.002", {"lr": 0.002}, effect=0.9),
        ArmSpec(
            "weighting=min_snr",
            {"weighting": "min_snr"},
            failed={2: ("infeasible", "nan", "loss is not finite at step 400")},
            excluded={5: "the data disk was full"},
        ),
        ArmSpec("schedule=linear", {"schedule": "linear"}, effect=0.25),
    ]
    return StoreSpec(
        **{
            "arms": arms,
            "levels": ({}, {"ema_decay": 0.99}, {"ema_decay": 0.0}, {"sampling_steps": 10}, {"sampling_steps": 100}),
            **changes,
        }
    )
