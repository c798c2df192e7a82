"""A fixed small sweep by `sweep launch`, beside the same sweep as a plain loop; and what the harness costs a trial."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import pandas as pd
import torch
import yaml
from PIL import Image
from sqlalchemy import Engine, create_engine

from sweep.config.data import DataConfig
from sweep.config.study import Cadence, Study
from sweep.data.dataset import Dataset
from sweep.data.sources import load_dataset
from sweep.files.file_names import EXTRACTORS
from sweep.files.file_store import FileStore
from sweep.planning.plan import study_plan
from sweep.scoring.features import load_extractor
from sweep.training.interfaces import RunContext
from sweep.training.step_state import StepStateCache
from sweep.training.trainer import Training
from sweep.training.validation import validation_points
from sweep.worker.jobs import perform
from sweep.worker.orders import TrainJob
from tests.benchmarks.rows import Ratio, Row

HOUR = 3600.0
TRIAL_SECONDS = 60.0
# All below the (1 + n) / (10 + n) that caps a decay in diffusers' EMAModel at step n, so that both average alike.
DECAYS = (0.8, 0.7, 0.6, 0.5)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Both sweeps, in numbers."""

    device: str
    preset: str
    data: DataConfig
    images: int
    lrs: tuple[float, ...]
    seeds: int
    decays: tuple[float, ...]
    n: int
    batch: int = 128
    T: int = 200
    sampling_steps: int = 10
    precision: str = "fp32"

    @property
    def trials(self) -> int:
        return len(self.lrs) * self.seeds

    def study(self) -> dict[str, object]:
        """The study file of ours."""
        primary, *others = self.decays
        return {
            "name": "fixed",
            "question": "How many answered questions an hour?",
            "baseline": {
                "data": self.data.model_dump(exclude_none=True),
                "net": self.preset,
                "T": self.T,
                "batch": self.batch,
                "schedule": "linear_scaled",
                "lr": self.lrs[0],
                "images": self.images,
                "ema_decay": primary,
                "sampler": "ddim",
                "sampling_steps": self.sampling_steps,
                "precision": self.precision,
            },
            "factors": {
                "lr": {"role": "scientific", "levels": list(self.lrs[1:])},
                **({"ema_decay": {"role": "evaluation", "levels": list(others)}} if others else {}),
            },
            "seeds": self.seeds,
            "protocol": {"extractor": "classifier", "n": self.n, "noise_sets": 1},
        }


def plan(device: torch.device, folder: Path, *, quick: bool) -> Plan:
    if device.type == "cuda":
        data = DataConfig(name="image_folder", path=str(_large_digits(folder / "digits28")), size=28)
        return Plan(
            device="cuda",
            preset="unet_28",
            data=data,
            images=128 * 200,
            lrs=(1e-3, 5e-4, 2e-4, 1e-4),
            seeds=4,
            decays=DECAYS,
            n=512,
            sampling_steps=50,
            precision="bf16",
        )
    whole = Plan(
        device="cpu",
        preset="unet_8",
        data=DataConfig(),
        images=6_400,
        lrs=(1e-3, 5e-4, 2e-4, 2e-3),
        seeds=2,
        decays=DECAYS,
        n=512,
    )
    return (
        replace(whole, images=256, lrs=(1e-3, 5e-4), seeds=1, decays=(0.9, 0.5), n=32, sampling_steps=2)
        if quick
        else whole
    )


def _large_digits(folder: Path) -> Path:
    """scikit-learn's digits at 28 x 28, one folder a class: images that need no network."""
    small = load_dataset("digits")
    assert small.train_labels is not None
    assert small.test_labels is not None
    images, labels = torch.cat([small.train, small.test]), torch.cat([small.train_labels, small.test_labels])
    for index, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(image[0].numpy()).resize((28, 28), Image.Resampling.BICUBIC)
        picture.save(folder / str(label) / f"{index}.png")
    return folder


def measure(device: torch.device, *, quick: bool) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        of = plan(device, folder, quick=quick)
        dataset = load_dataset(of.data.name, path=Path(of.data.path) if of.data.path else None, size=of.data.size)
        # A person has an extractor before the first score, so its training is in neither time.
        load_extractor("classifier", dataset, folder=folder / EXTRACTORS, device=torch.device("cpu"))
        try:
            importlib.import_module("tests.benchmarks.loop")
        except ImportError as error:
            missing = f"not installed: {error.name}"
        else:
            missing = ""
        seconds, ours = _launched(of, folder)
        case = f"{of.trials} trials of {of.preset}, {of.images} images, {len(of.decays)} EMA decays, n = {of.n}"
        whole = Row(
            measure="fixed sweep",
            case=case,
            unit="trials/h",
            ours=HOUR * of.trials / seconds,
            goal=">= 3x" if device.type == "cpu" else ">= 8x",
            note=missing,
        )
        if missing:
            yield whole
        else:
            yield from _beside_loop(whole, of, folder, seconds, ours)
        yield from _overhead(folder / "sweep.db")
        yield _validation(of, dataset, folder)
        yield _second_start(of, folder)


def _beside_loop(whole: Row, of: Plan, folder: Path, seconds: float, ours: dict[float, list[float]]) -> Iterator[Row]:
    spent, theirs = _looped(of, folder)
    told = {f"seconds_of_{part}": value for part, value in theirs["seconds"].items()}
    # diffusers' script averages by one decay, so whoever loops over it trains once for each.
    as_script = spent + (len(of.decays) - 1) * theirs["seconds"]["training"]
    forms = (
        ("loop over diffusers and torch-fidelity, all decays in one training", spent, ""),
        ("the same, a training for each decay as in diffusers' script", as_script, "computed from its parts"),
    )
    for peer, needed, note in forms:
        yield replace(
            whole,
            peer=peer,
            theirs=HOUR * of.trials / needed,
            ratio=Ratio.of([needed / seconds]),
            detail=told,
            note=note,
        )
    for decay in of.decays:
        yield _scores(decay, ours[decay], theirs["fid"][str(decay)])


def launched_seconds(of: Plan, folder: Path, *options: str) -> float:
    """Seconds of `sweep launch`, whose store and files are in the folder."""
    (folder / "fixed.yaml").write_text(yaml.safe_dump(of.study(), sort_keys=False))
    environment = {"SWEEP_STORAGE": f"sqlite:///{folder / 'sweep.db'}", "SWEEP_FILES": str(folder)}
    command = [sys.executable, "-m", "sweep", "launch", str(folder / "fixed.yaml"), "--device", of.device, *options]
    started = time.perf_counter()
    ran = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(f"sweep launch ended with {ran.returncode}: {ran.stderr[-500:]}")
    return time.perf_counter() - started


def _launched(of: Plan, folder: Path) -> tuple[float, dict[float, list[float]]]:
    """Seconds of the command, and its distances by EMA decay."""
    seconds = launched_seconds(of, folder)
    query = (
        "SELECT score.config AS config, measurement.value AS fid FROM score JOIN measurement ON score_id = score.id "
        "WHERE name = 'fid' AND noise_set = -1"
    )
    told = pd.read_sql(query, _engine(folder / "sweep.db"))
    decays = told.config.map(lambda text: json.loads(text).get("ema_decay", 0.999))
    return seconds, {decay: told.fid[decays == decay].tolist() for decay in of.decays}


def _engine(path: Path) -> Engine:
    return create_engine(f"sqlite:///{path}")


def _looped(of: Plan, folder: Path) -> tuple[float, dict[str, Any]]:
    """Seconds of the loop in a process of its own, with all cores, and what it told."""
    (folder / "plan.json").write_text(json.dumps(asdict(of) | {"data": of.data.model_dump()}))
    # A person starts it with no word about threads: torch then takes all cores.
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    command = [sys.executable, "-m", "tests.benchmarks.loop", str(folder)]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return time.perf_counter() - started, json.loads((folder / "loop.json").read_text())


def _scores(decay: float, ours: list[float], theirs: list[float]) -> Row:
    """Whether both sweeps measure the same: the difference of their means, in standard errors over trials."""
    error = (stdev(ours) ** 2 / len(ours) + stdev(theirs) ** 2 / len(theirs)) ** 0.5
    apart = (mean(ours) - mean(theirs)) / error
    return Row(
        measure="fixed sweep: distance",
        case=f"EMA decay {decay}, mean over trials",
        unit="FCD",
        ours=mean(ours),
        peer="the loop",
        theirs=mean(theirs),
        note=f"{apart:+.1f} standard errors apart",
    )


def _overhead(store: Path) -> list[Row]:
    """Seconds of a trial that are neither steps nor sampling nor features nor statistics, from the sweep's store."""
    engine = _engine(store)
    attempts = pd.read_sql(
        "SELECT attempt.worker_id, attempt.run_id, attempt.score_id, attempt.started_at, attempt.ended_at, "
        "sampling_seconds + features_seconds + statistics_seconds AS scored FROM attempt "
        "LEFT JOIN score ON score.id = attempt.score_id ORDER BY attempt.started_at",
        engine,
        parse_dates=["started_at", "ended_at"],
    )
    speeds = pd.read_sql("SELECT run_id, images, value FROM metric WHERE name = 'images_per_second'", engine)
    speeds = speeds.sort_values(["run_id", "images"])
    seen = speeds.groupby("run_id").images.diff().fillna(speeds.images)
    steps = (seen / speeds.value).groupby(speeds.run_id).sum()
    wall = (attempts.ended_at - attempts.started_at).dt.total_seconds()
    worked = attempts.scored.where(attempts.score_id.notna(), attempts.run_id.map(steps))
    gap = (attempts.started_at - attempts.groupby("worker_id").ended_at.shift()).dt.total_seconds()
    overhead = wall - worked
    trainings = attempts.score_id.isna()
    later = attempts[trainings].groupby("worker_id").cumcount().reindex(attempts.index).fillna(0) > 0
    chosen = trainings & later
    each = float(overhead[chosen].median() + gap[chosen].median()) if chosen.any() else None
    return [
        Row(
            measure="harness, a training",
            case="after a worker's first: claim, net, files, store",
            unit="s",
            ours=each,
            goal="<= 1.2 s",
            note="" if each is None else f"{each / TRIAL_SECONDS:.1%} of a 60 s trial; the validation curve is in it",
        ),
        Row(
            measure="harness, a score",
            case="claim, weights, pictures, files, store",
            unit="s",
            ours=float(overhead[~trainings].median() + gap[~trainings].median()),
        ),
    ]


def _validation(of: Plan, dataset: Dataset, folder: Path) -> Row:
    """Seconds of the validation curve of a training, which the loop does without."""
    config, device = study_plan(Study.model_validate(of.study())).cells[0].train_config, torch.device(of.device)
    points = validation_points(Cadence().curve_points, images=config.images, held_out=len(dataset.validation))
    run = Training(config, dataset, RunContext(folder=folder, attempt="1", device=device), sync_every_steps=1)
    looks = []
    for _ in range(4):
        run.advance()
        run.metrics_buffer.flush()  # waits for the device
        started = time.perf_counter()
        run.metrics(validate=True)
        looks.append(time.perf_counter() - started)
    return Row(
        measure="harness, validation of a training",
        case=f"{points} looks at {len(run.held_out.i)} images",
        unit="s",
        ours=points * median(looks[1:]),
    )


def _second_start(of: Plan, folder: Path) -> Row:
    """Seconds that a trial process takes from the order of a training to its first step, after one of the same net."""
    device, cache, first_steps = torch.device(of.device), StepStateCache(), []
    cells = study_plan(Study.model_validate(of.study())).cells
    for config in (cells[0].train_config, cells[-1].train_config):
        one_step = config.model_copy(update={"images": config.batch})
        job = TrainJob(
            one_step, Cadence(), FileStore(folder), f"second/{len(first_steps)}", attempt="1", checkpoints=()
        )
        started = time.perf_counter()
        asked: list[float] = []

        def stops(asked: list[float] = asked) -> bool:
            asked.append(time.perf_counter())  # before each step
            return False

        perform(job, device, cache, lambda _: None, stops)
        first_steps.append(asked[0] - started)
    return Row(
        measure="harness, second training of a net",
        case="from its order to its first step",
        unit="s",
        ours=first_steps[1],
        goal="<= 1 s",
        note=f"the first: {first_steps[0]:.2f} s",
    )
