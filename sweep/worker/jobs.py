"""What a trial process does: prepare, train, score. The one place where training and scoring meet."""

from __future__ import annotations

import platform
import tempfile
import time
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import torch

from sweep.config.run import DataConfig, Protocol, TrainConfig
from sweep.data.dataset import Dataset
from sweep.data.sources import load
from sweep.diffusion.process import Diffusion
from sweep.errors import CheckpointError, DataError, DepotError, Preempted
from sweep.nets.layout import channels_last, laid_out
from sweep.scoring.further import Subject, measure_further
from sweep.scoring.score import score
from sweep.scoring.yardstick import Yardstick, open_yardstick, resolve_protocol
from sweep.store.depot import Depot
from sweep.store.records import ArtifactRecord
from sweep.training import checkpoint
from sweep.training.chain import betas_of
from sweep.training.checkpoint import CheckpointRef
from sweep.training.ema import Weights
from sweep.training.loop import train
from sweep.training.objective import build_net
from sweep.training.progress import Cadence, Hooks, Place, Progress
from sweep.training.rig import KeptRig
from sweep.training.state import Training
from sweep.training.validation import validation_points
from sweep.worker.messages import (
    Counted,
    Damaged,
    Job,
    MeasureJob,
    Message,
    Outcome,
    Prepared,
    PrepareJob,
    Progressed,
    Scored,
    ScoreJob,
    Timed,
    Trained,
    TrainJob,
)
from sweep.worker.score_record import score_record
from sweep.worker.source import source_state

Send = Callable[[Message], None]
ShouldStop = Callable[[], bool]

EXTRACTORS = "extractors"
# Checkpoints of a run at a time, as the store lists them.
KEPT = 2
COUNT_SECONDS = 0.5
MEASURED = 3
MEASURED_AT_MOST = 30
MEASURE_SECONDS = 1.5


def set_up(name: str, threads: int) -> torch.device:
    """Once a process: threads and device, which decide the last bits of everything."""
    torch.set_num_threads(threads)
    device = torch.device(name)
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.cuda.synchronize()  # the context is made now, so that a bad device fails at the start
    return device


def perform(job: Job, device: torch.device, kept: KeptRig, send: Send, should_stop: ShouldStop) -> Outcome:
    """Do one job; what goes wrong is raised, and the process must then end: `kept` may be left half-way."""
    match job:
        case PrepareJob():
            return prepare(job, send)
        case MeasureJob():
            return measure(job, device)
        case TrainJob():
            return train_run(job, device, kept, send, should_stop)
        case ScoreJob():
            return score_run(job, device, send, should_stop)


def environment(device: torch.device) -> dict[str, object]:
    """What results may depend on and no key holds: hardware, versions, the state of the source."""
    names = ("torch", "torchvision", "torch-fidelity", "numpy", "optuna", "sqlalchemy")
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _cpu_name(),
        "gpu": gpu,
        "cuda": torch.version.cuda if gpu else None,
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in names},
        "source": source_state(),
    }


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@lru_cache(maxsize=2)
def _dataset(config: DataConfig) -> Dataset:
    dataset = load(config.name, path=Path(config.path) if config.path else None, size=config.size)
    if config.sha256 not in (None, dataset.content_sha256):
        raise DataError(
            f"the images in {config.path} are not those that the study was launched with",
            why=f"Their sha256 is {dataset.content_sha256[:16]}..., not {str(config.sha256)[:16]}...",
            next="Restore the folder, or give the study a new name.",
        )
    return dataset


def prepare(job: PrepareJob, send: Send) -> Prepared:
    """Everything that must exist before the first score: data, extractor, reference."""
    dataset = _dataset(job.data)
    request = job.request
    folder = job.files.folder / EXTRACTORS
    # What another machine has trained is taken, not trained once more: another CPU would round otherwise.
    job.files.pull(EXTRACTORS, lambda name: name.startswith(f"{dataset.name}-cnn-"))
    protocol = resolve_protocol(
        dataset,
        request.extractor,
        reference=request.reference,
        n=request.n,
        noise_sets=tuple(range(request.noise_sets)),
        folder=folder,
        on_progress=_counting("training the classifier", send),
    )
    counted = _counting("features of the real images", send)
    _pull_yardstick(protocol, job.files)
    open_yardstick(protocol, dataset, folder=folder, on_progress=counted)
    job.files.push(EXTRACTORS)
    return Prepared(protocol, dataset.content_sha256)


def _counting(what: str, send: Send) -> Callable[[int, int], None]:
    """Tell how far something is, a few times a second: a message a batch would be more talk than work."""
    told_at = 0.0

    def count(done: int, total: int) -> None:
        nonlocal told_at
        now = time.monotonic()
        if done == total or now - told_at > COUNT_SECONDS:
            told_at = now
            send(Counted(what, done, total))

    return count


def measure(job: MeasureJob, device: torch.device) -> Timed:
    """Time a few steps and a few network calls here, so that a plan can say how long a study takes."""
    dataset = _dataset(job.config.data)
    with tempfile.TemporaryDirectory() as folder:
        last = channels_last(job.config.net.kind)
        place = Place(folder=Path(folder), token=0, device=device, channels_last=last)
        training = Training(job.config, dataset, place, look_steps=50)
        step_seconds = _seconds_each(training.advance, device)
    rows = min(256, len(dataset.train))
    images = torch.zeros(rows, dataset.channels, dataset.size, dataset.size, device=device)
    index = torch.zeros(rows, dtype=torch.int64, device=device)
    net = training.net.eval()
    with torch.inference_mode():
        call_seconds = _seconds_each(lambda: net(images, index), device)
    return Timed(step_seconds, call_seconds / rows, sum(p.numel() for p in net.parameters()))


def _seconds_each(act: Callable[[], object], device: torch.device) -> float:
    act()
    spent: list[float] = []
    while len(spent) < MEASURED or (sum(spent) < MEASURE_SECONDS and len(spent) < MEASURED_AT_MOST):
        started = time.perf_counter()
        act()
        if device.type == "cuda":
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - started)
    return sorted(spent)[len(spent) // 2]


def train_run(job: TrainJob, device: torch.device, kept: KeptRig, send: Send, should_stop: ShouldStop) -> Trained:
    """Train from the newest checkpoint that can be read."""
    started = time.monotonic()
    place = Place(
        folder=job.files.folder / job.folder,
        token=job.token,
        device=device,
        micro_batches=job.micro_batches,
        channels_last=channels_last(job.config.net.kind),
    )
    dataset = _dataset(job.config.data)

    def report(progress: Progress) -> None:
        send(Progressed(progress.step, progress.images, progress.metrics))

    resume = _readable(job, send, should_stop)
    stored = deque([] if resume is None else [_artifact("checkpoint", resume, job.files).path])

    def saved(ref: CheckpointRef) -> None:
        artifact = _artifact("checkpoint", ref, job.files)
        _put(job.files, artifact.path, should_stop)
        send(Progressed(ref.step, ref.step * job.config.batch, checkpoint=artifact))
        stored.append(artifact.path)
        if len(stored) > KEPT:
            job.files.discard(stored.popleft())

    result = train(
        job.config,
        dataset,
        place,
        hooks=Hooks(report=report, saved=saved, should_stop=should_stop),
        cadence=Cadence(
            reports=job.cadence.curve_points,
            validations=validation_points(
                job.cadence.curve_points, images=job.config.images, held_out=len(dataset.validation)
            ),
            checkpoint_seconds=job.cadence.checkpoint_seconds,
        ),
        resume=resume,
        kept=kept,
        until=job.until_step,
    )
    kind = "weights" if result.step == job.config.steps else "rung"
    weights = _artifact(kind, result.weights, job.files)
    _put(job.files, weights.path, should_stop)
    seconds = time.monotonic() - started
    return Trained(weights, result.parameters, seconds)


def _put(files: Depot, path: str, should_stop: ShouldStop) -> None:
    """Send a file to the other machines. Asked to stop meanwhile, the last one that is recorded counts."""
    try:
        files.put(path, give_up=should_stop)
    except DepotError as error:
        if should_stop():
            raise Preempted(error.what, why=error.why) from error
        raise


def _readable(job: TrainJob, send: Send, should_stop: ShouldStop) -> CheckpointRef | None:
    """The newest checkpoint whose bytes are what was recorded; none means from the start."""
    for found in job.checkpoints:
        try:
            path = job.files.fetch(found.path, found.sha256, give_up=should_stop)
            ref = CheckpointRef(path, found.sha256, found.step, found.bytes)
            checkpoint.load(ref.path, ref.sha256)
        except CheckpointError as error:
            send(Damaged(found.path, error.what))
        else:
            return ref
    return None


def score_run(job: ScoreJob, device: torch.device, send: Send, should_stop: ShouldStop) -> Scored:
    """Draw images from one average of the weights and measure them. A score that is stopped is made anew."""

    counting = _counting("sampling", send)

    def drawn(done: int, total: int) -> None:
        if should_stop():
            raise Preempted(f"stopped after {done} of {total} images", why="asked to stop")
        counting(done, total)

    dataset = _dataset(job.train.data)
    net = build_net(job.train, channels=dataset.channels, size=dataset.size).to(device)
    net.load_state_dict(_weights(job, device))
    net = laid_out(net, job.train.net.kind)
    diffusion, folder = _diffusion(job.train, device), job.files.folder / job.folder
    yardstick = _yardstick(job.protocol, job.train.data, job.files, device)
    result = score(
        net,
        diffusion,
        job.evaluation,
        yardstick,
        target=job.train.target,
        folder=folder,
        precision=job.train.precision,
        on_progress=drawn,
    )
    subject = Subject(
        net=net,
        diffusion=diffusion,
        config=job.evaluation,
        target=job.train.target,
        yardstick=yardstick,
        dataset=dataset,
        scored=result.sets,
        folder=folder,
        references=job.files.folder / EXTRACTORS,
        precision=job.train.precision,
        on_progress=drawn,
    )
    record = score_record(result, measure_further(subject), job.folder, job.files.folder)
    for artifact in record.artifacts:
        _put(job.files, artifact.path, should_stop)
    return Scored(record)


def _weights(job: ScoreJob, device: torch.device) -> Weights:
    """The average that the evaluation reads."""
    sha256, evaluation = job.weights.sha256, job.evaluation
    path = job.files.fetch(job.weights.path, sha256)
    if evaluation.ema_std is not None:
        return checkpoint.load_power_weights(path, sha256, std=evaluation.ema_std, device=device)
    decay, start = evaluation.ema_decay, evaluation.ema_start
    return checkpoint.load_weights(path, sha256, decay=decay, start=start, device=device)


@lru_cache(maxsize=2)
def _yardstick(protocol: Protocol, data: DataConfig, files: Depot, device: torch.device) -> Yardstick:
    _pull_yardstick(protocol, files)
    yardstick = open_yardstick(protocol, _dataset(data), folder=files.folder / EXTRACTORS, device=device)
    files.push(EXTRACTORS)
    return yardstick


def _pull_yardstick(protocol: Protocol, files: Depot) -> None:
    """The extractor of a protocol and what it has seen of the real images, from where they were first computed."""
    weights, seen = f"{protocol.extractor}.pt", f"-{protocol.extractor_sha256[:16]}"
    files.pull(EXTRACTORS, lambda name: name == weights or seen in name)


def _diffusion(config: TrainConfig, device: torch.device) -> Diffusion:
    return Diffusion.from_betas(betas_of(config), device)


def _artifact(kind: str, ref: CheckpointRef, files: Depot) -> ArtifactRecord:
    return ArtifactRecord(kind, ref.path.relative_to(files.folder).as_posix(), ref.sha256, ref.bytes, ref.step)
