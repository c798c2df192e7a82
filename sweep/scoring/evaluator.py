"""From a wish (extractor, split, n) to a protocol with its hashes, and from a protocol back to what it names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from sweep.config.own_part import OwnPart
from sweep.config.run import NoiseSharing, Protocol
from sweep.data.dataset import Dataset
from sweep.errors import ProtocolError
from sweep.files.caches import read_cache
from sweep.files.hashes import sha256_of_bytes
from sweep.scoring.features import Extractor, load_extractor
from sweep.scoring.own_extractor import own_extractor
from sweep.scoring.progress import Progress, ignore_progress
from sweep.scoring.reference import Bounds, Reference, Split, images_sha256, load_bounds, load_reference
from sweep.scoring.shipped_classifiers import shipped_file

CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Evaluator:
    """Everything that a protocol names, loaded and checked against its hashes."""

    protocol: Protocol
    extractor: Extractor
    reference: Reference
    bounds: Bounds
    shape: tuple[int, int, int]
    """(C, H, W) of an image."""


def resolve_protocol(
    dataset: Dataset,
    extractor: str,
    *,
    reference: Split = "train",
    n: int,
    noise_sets: tuple[int, ...] = (0,),
    noise: NoiseSharing = "per_seed",
    folder: Path,
    weights: Path | None = None,
    part: OwnPart | None = None,
    device: torch.device = CPU,
    on_progress: Progress = ignore_progress,
) -> Protocol:
    """A protocol with its hashes filled in. Done once, where a study is planned.

    Args:
        dataset: The images of the study.
        extractor: Key of `features.EXTRACTORS`; `classifier` is trained here if none is shipped for these images
            and `folder` holds none.
        reference: Split of the reference: train or test.
        n: Generated images of a noise set.
        noise_sets: Numbers of the noise sets.
        noise: per_seed: runs of one training seed have the same noise sets. shared: all runs have.
        folder: Where classifiers and references are kept.
        weights: The extractor's weights file, if not the usual one.
        part: The extractor of a plugin, in place of one of this package.
        device: Device that a classifier is trained on.
        on_progress: Called with (done, in all), over the images of a training or the bytes of a download.

    Raises:
        UnknownName: No such extractor.
        DataError: Its weights cannot be had.
    """
    if part is not None:
        loaded = own_extractor(part, dataset, device=device)
    else:
        loaded = load_extractor(
            extractor, dataset, folder=folder, device=device, weights=weights, on_progress=on_progress
        )
    return Protocol(
        extractor=loaded.name,
        extractor_sha256=loaded.sha256,
        extractor_part=part,
        reference=reference,
        reference_sha256=images_sha256(dataset, reference),
        n=n,
        noise_sets=noise_sets,
        noise=noise,
    )


def open_evaluator(
    protocol: Protocol,
    dataset: Dataset,
    *,
    folder: Path,
    device: torch.device = CPU,
    weights: Path | None = None,
    parallel: int = 1,
    on_progress: Progress = ignore_progress,
    on_bounds: Progress = ignore_progress,
) -> Evaluator:
    """Load what `protocol` names, on the machine that scores. Slow once per folder, then seconds.

    Args:
        protocol: A protocol with its hashes.
        dataset: The images of the study.
        folder: Where classifiers, references and bounds are kept. What is damaged there is made again.
        device: Where features are computed.
        weights: The extractor's weights file, if not the usual one.
        parallel: Batches whose features are computed at once.
        on_progress: Called over the images of the reference, if its features are computed.
        on_bounds: Called over the images of the bounds, if they are computed.

    Raises:
        ProtocolError: The dataset or the extractor here is not the one that the protocol means.
        DataError: Weights that cannot be had.
    """
    images_hash = images_sha256(dataset, protocol.reference)
    if images_hash != protocol.reference_sha256:
        raise ProtocolError(
            f"The {protocol.reference} images of {dataset.name} are not those of the protocol.",
            why=f"Their sha256 is {images_hash[:16]}..., not {protocol.reference_sha256[:16]}...",
            next="Use the dataset of the study, or start a new study with these images.",
        )
    extractor = replace(_extractor_of(protocol, dataset, folder, device, weights), parallel=parallel)
    reference = load_reference(dataset, protocol.reference, extractor, folder=folder, on_progress=on_progress)
    bounds = load_bounds(
        dataset, protocol.reference, extractor, reference, n=protocol.n, folder=folder, on_progress=on_bounds
    )
    shape = (dataset.channels, dataset.size, dataset.size)
    return Evaluator(protocol=protocol, extractor=extractor, reference=reference, bounds=bounds, shape=shape)


def _extractor_of(
    protocol: Protocol, dataset: Dataset, folder: Path, device: torch.device, weights: Path | None
) -> Extractor:
    if protocol.extractor_part is not None:
        return own_extractor(protocol.extractor_part, dataset, device=device)
    kind = "inception" if protocol.extractor.startswith("inception") else "classifier"
    file = folder / f"{protocol.extractor}.pt"
    # A damaged file is no file: where this machine trained it, training makes the same one again. The hash also keeps
    # a name from the database, or a link in the folder, from leading to anything else.
    whole = sha256_of_bytes(read_cache(file) or b"") == protocol.extractor_sha256
    usual = shipped_file(protocol.extractor_sha256) or (file if kind == "classifier" and whole else None)
    extractor = load_extractor(kind, dataset, folder=folder, device=device, weights=weights or usual)
    if extractor.sha256 != protocol.extractor_sha256:
        raise ProtocolError(
            f"The protocol scores with {protocol.extractor}; here is {extractor.name}.",
            why="Distances under different weights do not compare; another CPU trains another classifier.",
            next=f"Copy {protocol.extractor}.pt from where the study was planned into {folder}."
            if kind == "classifier"
            else "Point SWEEP_INCEPTION_WEIGHTS at the weights of the study.",
        )
    return extractor
