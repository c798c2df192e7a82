"""What must exist before the first training and the first score: data, extractor, reference."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import torch

from sweep.config.data import DataConfig
from sweep.config.run import Protocol
from sweep.data.dataset import Dataset
from sweep.data.left_out import escaped
from sweep.data.own import own_dataset
from sweep.data.sources import load_dataset
from sweep.errors import DataError, ImagesUnavailable, SweepError, UnreadableCheckpoint, UnsafePath
from sweep.files.file_names import EXTRACTORS
from sweep.files.file_store import FileStore
from sweep.scoring.evaluator import CPU, Evaluator, open_evaluator, resolve_protocol
from sweep.scoring.progress import Progress, ignore_progress
from sweep.scoring.shipped_classifiers import shipped_file
from sweep.scoring.trial import try_score
from sweep.worker.messages import READING_IMAGES, Counted, Prepared, Send
from sweep.worker.orders import PrepareJob

COUNT_SECONDS = 0.5


@lru_cache(maxsize=2)
def dataset_of(config: DataConfig) -> Dataset:
    """The images of a study, cached between the jobs of a process.

    Args:
        config: The data set or folder, and the size of its images.

    Raises:
        ImagesUnavailable: The folder holds other images than at launch, or the data cannot be loaded.
    """
    return _read(config)


def _read(config: DataConfig, on_read: Progress = ignore_progress) -> Dataset:
    path = Path(config.path) if config.path else None
    try:
        if config.part is not None:
            return own_dataset(config.part.part, config.part("dataset", {}))
        dataset = load_dataset(config.name, path=path, size=config.size, validation=config.validation, on_read=on_read)
    except DataError as error:
        raise ImagesUnavailable(error.what, why=error.why, next=error.next) from error
    hashes = (None, dataset.content_sha256, dataset.labelled_sha256 if dataset.classes else None)
    if config.sha256 not in hashes:
        raise ImagesUnavailable(
            f"the images in {config.path} are not those that the study was launched with",
            why=f"Their sha256 is {dataset.content_sha256[:16]}..., not {str(config.sha256)[:16]}...",
            next="Restore the folder, or give the study a new name; sweep launch FILE --accept-change trains again.",
        )
    return dataset


def prepare(job: PrepareJob, send: Send, device: torch.device = CPU) -> Prepared:
    """Make everything that must exist before the first score: data, extractor, reference.

    Args:
        job: The images and the protocol that the study file asks for.
        send: Sends progress to the worker.
        device: Device on which a classifier is trained and features are computed.

    Returns:
        The protocol with its hashes.

    Raises:
        SweepError: The data or the protocol cannot be used. An error of a library is raised as a `DataError`, which
            names the images and the next command.
    """
    try:
        return _prepare(job, send, device)
    except SweepError:
        raise
    except Exception as error:
        raise DataError(
            f"the scores of {escaped(job.data.path or job.data.label)} cannot be prepared",
            why=" ".join(f"{type(error).__name__}: {error}".split()),
            next="sweep doctor; or protocol: {extractor: inception, ...}",
        ) from error


def _prepare(job: PrepareJob, send: Send, device: torch.device) -> Prepared:
    request = job.request
    published = job.data.path is None
    on_read = counting(f"downloading {job.data.label}", send, "bytes") if published else counting(READING_IMAGES, send)
    dataset = _read(job.data, on_read)
    if request.extractor == "inception":
        on_extractor = counting("downloading the Inception weights", send, "bytes")
    else:
        on_extractor = counting("training the classifier", send)
    folder = job.files.path(EXTRACTORS)
    # A classifier that another machine has trained is used again: another CPU would round differently.
    job.files.pull(EXTRACTORS, lambda name: name.startswith(f"{dataset.name}-cnn-"))
    protocol = resolve_protocol(
        dataset,
        request.extractor,
        reference=request.reference,
        n=request.n,
        noise_sets=tuple(range(request.noise_sets)),
        noise=request.noise or "per_seed",
        folder=folder,
        part=request.extractor_part,
        device=device,
        on_progress=on_extractor,
    )
    _pull_evaluator(protocol, job.files)
    evaluator = open_evaluator(
        protocol,
        dataset,
        folder=folder,
        device=device,
        parallel=max(1, job.cores // torch.get_num_threads()) if device.type == "cpu" else 1,
        on_progress=counting("features of the real images", send),
        on_bounds=counting("bounds of the scores", send),
    )
    try_score(evaluator, dataset, folder=folder)
    job.files.push(EXTRACTORS)
    identity = dataset.labelled_sha256 if job.conditional else dataset.content_sha256
    return Prepared(protocol, identity, _data_notes(job.data, dataset))


def _data_notes(config: DataConfig, dataset: Dataset) -> tuple[str, ...]:
    if config.path is None:
        return ()
    return (f"{escaped(config.path)}: {dataset.sizes}", *dataset.remarks)


def counting(what: str, send: Send, unit: str = "images") -> Callable[[int, int], None]:
    """A progress callback that sends a count to the worker, at most twice a second and at the end.

    Args:
        what: Name of the part of the work.
        send: Sends a message to the worker.
        unit: What is counted.

    Returns:
        A function of how much is done and how much there is.
    """
    sent_at = 0.0

    def count(done: int, total: int) -> None:
        nonlocal sent_at
        now = time.monotonic()
        if done == total or now - sent_at > COUNT_SECONDS:
            sent_at = now
            send(Counted(what, done, total, unit))

    return count


@lru_cache(maxsize=2)
def evaluator_of(protocol: Protocol, data: DataConfig, files: FileStore, device: torch.device) -> Evaluator:
    """Extractor and reference of a protocol, cached between the scores of a process.

    Args:
        protocol: The protocol with its hashes.
        data: The real images.
        files: File store of extractors and references.
        device: Device on which features are computed.
    """
    _pull_evaluator(protocol, files)
    evaluator = open_evaluator(protocol, dataset_of(data), folder=files.path(EXTRACTORS), device=device)
    files.push(EXTRACTORS)
    return evaluator


def _pull_evaluator(protocol: Protocol, files: FileStore) -> None:
    """Fetch the extractor of a protocol, and its features of the real images, from the machine that made them."""
    # A damaged local copy is replaced. An extractor that no machine has intact is trained again.
    with suppress(UnreadableCheckpoint, UnsafePath):
        if shipped_file(protocol.extractor_sha256) is None and protocol.extractor_part is None:
            files.fetch(f"{EXTRACTORS}/{protocol.extractor}.pt", protocol.extractor_sha256)
    suffix = f"-{protocol.extractor_sha256[:16]}"
    files.pull(EXTRACTORS, lambda name: suffix in name)
