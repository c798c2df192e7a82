"""What generated images are compared with: features of real images, computed once per extractor and kept."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sweep.data.dataset import Dataset
from sweep.files.array_hashes import sha256_of_array
from sweep.files.caches import find_or_build, read_cache, read_json, read_sealed, write_cache, write_sealed
from sweep.files.hashes import sha256_of_bytes
from sweep.scoring.features import Extractor
from sweep.scoring.frechet import Moments, feature_moments, frechet_distance
from sweep.scoring.kernel import mean_of_pairs
from sweep.scoring.progress import Progress, ignore_progress

Split = Literal["train", "test"]

COMPARED_ROWS = 10_000
"""Neighbourhoods and kernel pairs look at this many rows at most: their cost is quadratic."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Features of every image of a split, in a fixed random order, and what follows from them."""

    images_sha256: str
    extractor_sha256: str
    rows: NDArray[np.float32]
    """[M, D]."""
    moments: Moments
    pairs: float
    """Mean kernel between different compared rows (`kernel.mean_of_pairs`)."""

    @property
    def compared_rows(self) -> NDArray[np.float32]:
        return self.rows[:COMPARED_ROWS]


@dataclass(frozen=True)
class Bounds:
    """Where scores must lie. Below the floor by more than 3 SE: a bug, or memorised images. Above the ceiling: a bug.

    Both are for distances of `n` generated images.
    """

    n: int
    floor: float
    """FID of `floor_n` real images that are not in the reference."""
    floor_n: int
    """`n`, or how many such images there are: then the floor is a little too high, as its bias is c/floor_n."""
    ceiling: float
    """FID of n images of uniform noise."""

    def suspicion(self, fid: float, standard_error: float) -> str | None:
        """Why a distance is not to be believed, or None.

        Args:
            fid: The distance.
            standard_error: Its standard error.
        """
        if not math.isfinite(fid):
            return f"{fid:.4g} is no distance: images or features that are not finite, or a bug"
        if self.floor_n == self.n and fid < self.floor - 3 * standard_error:
            return f"{fid:.4g} is below what real images reach ({self.floor:.4g}): memorised images, or a bug"
        if fid > self.ceiling:
            return f"{fid:.4g} is above uniform noise ({self.ceiling:.4g}): a wrong range or dtype, or a bug"
        return None


def reference_images(dataset: Dataset, split: Split) -> Tensor:
    """uint8 images that samples are compared with: never flipped, never cropped.

    Args:
        dataset: The images of the study.
        split: Split of the reference: train or test.
    """
    return {"train": dataset.train, "test": dataset.test}[split]


def held_out_images(dataset: Dataset, split: Split) -> Tensor:
    """Every real image that is not in the reference split, in a fixed random order.

    Args:
        dataset: The images of the study.
        split: Split of the reference: train or test.
    """
    others = {"train": [dataset.validation, dataset.test], "test": [dataset.train, dataset.validation]}[split]
    return _shuffled(torch.cat(others))


def images_sha256(dataset: Dataset, split: Split) -> str:
    """Hash of the reference images, as a protocol states it.

    Args:
        dataset: The images of the study.
        split: Split of the reference: train or test.
    """
    return sha256_of_array(reference_images(dataset, split).contiguous().numpy())


def load_reference(
    dataset: Dataset,
    split: Split,
    extractor: Extractor,
    *,
    folder: Path,
    on_progress: Progress = ignore_progress,
) -> Reference:
    """The reference of a split under an extractor: from `folder` if it is there whole, else computed and put there.

    The file is found by the hashes of the images and of the extractor's weights, and believed only if its own hash
    is the one noted beside it. So nothing stale or torn is ever used.

    Args:
        dataset: The images of the study.
        split: Split of the reference: train or test.
        extractor: The extractor that made, or makes, the features.
        folder: Folder in which classifiers and references are kept.
        on_progress: Called with (images done, images in all), if features are computed.
    """
    images_hash = images_sha256(dataset, split)
    path = folder / f"reference-{split}-{images_hash[:16]}-{extractor.sha256[:16]}.npz"
    known = {"images_sha256": images_hash, "extractor_sha256": extractor.sha256}

    def build() -> Reference:
        images = _shuffled(reference_images(dataset, split))
        rows = extractor.extract(images, on_progress=on_progress).penultimate
        reference = Reference(
            **known, rows=rows, moments=feature_moments(rows), pairs=mean_of_pairs(rows[:COMPARED_ROWS])
        )
        _write(path, reference, known)
        return reference

    return find_or_build(path, lambda: _read(path, known), build)


def load_bounds(
    dataset: Dataset,
    split: Split,
    extractor: Extractor,
    reference: Reference,
    *,
    n: int,
    folder: Path,
    on_progress: Progress = ignore_progress,
) -> Bounds:
    """Floor and ceiling of FID at `n` images, from `folder` if they are there whole, else computed and put there.

    Args:
        dataset: Where the held-out images come from.
        split: The split of the reference.
        extractor: The net that made the features of the reference.
        reference: What the distances are measured to.
        n: Number of generated images of a score.
        folder: Where bounds are kept.
        on_progress: Called over the held-out images and the noise, if they are computed.
    """
    name = f"bounds-{split}-{reference.images_sha256[:16]}-{dataset.content_sha256[:16]}-{extractor.sha256[:16]}-{n}"
    path = folder / f"{name}.json"
    known = {
        "split": split,
        "images_sha256": reference.images_sha256,
        "data_sha256": dataset.content_sha256,
        "extractor_sha256": extractor.sha256,
    }

    def find() -> Bounds | None:
        stored = read_sealed(path)
        if stored is None or {name: stored.pop(name, None) for name in known} != known or stored.get("n") != n:
            return None
        return Bounds(**stored)

    def build() -> Bounds:
        real = held_out_images(dataset, split)[:n]
        noise = uniform_noise((n, *real.shape[1:]))
        total = len(real) + n
        floor = _fid(real, extractor, reference, lambda done, _: on_progress(done, total))
        ceiling = _fid(noise, extractor, reference, lambda done, _: on_progress(len(real) + done, total))
        bounds = Bounds(n, floor, len(real), ceiling)
        write_sealed(path, asdict(bounds) | known)
        return bounds

    return find_or_build(path, find, build)


def uniform_noise(shape: tuple[int, ...]) -> Tensor:
    """uint8 images [N, C, H, W] of independent uniform levels: the worst images that have a score."""
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def _fid(images: Tensor, extractor: Extractor, reference: Reference, on_progress: Progress) -> float:
    rows = extractor.extract(images, on_progress=on_progress).penultimate
    return frechet_distance(feature_moments(rows), reference.moments)


def in_row_order(values: Tensor) -> Tensor:
    """What belongs to the images of a reference's split, in the order of `Reference.rows`.

    Args:
        values: One for each image of the split, [M, ...].
    """
    return _shuffled(values)


def _shuffled(images: Tensor) -> Tensor:
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]


def _read(path: Path, known: dict[str, str]) -> Reference | None:
    data = read_cache(path)
    note = read_json(read_cache(path.with_suffix(".json")))
    if data is None or note != known | {"sha256": sha256_of_bytes(data)}:
        return None
    try:
        with np.load(BytesIO(data), allow_pickle=False) as file:
            rows = file["rows"]
            moments = Moments(mu=file["mu"], sigma=file["sigma"], root=file["root"], n=len(rows))
            return Reference(**known, rows=rows, moments=moments, pairs=float(file["pairs"]))
    # A note can also belong to a file that never was a reference.
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        return None


def _write(path: Path, reference: Reference, known: dict[str, str]) -> None:
    buffer, moments = BytesIO(), reference.moments
    np.savez(buffer, rows=reference.rows, mu=moments.mu, sigma=moments.sigma, root=moments.root, pairs=reference.pairs)
    write_cache(path, buffer.getvalue())
    note = known | {"sha256": sha256_of_bytes(buffer.getvalue())}
    # The note last: a crash between the two leaves a file that nobody believes.
    write_cache(path.with_suffix(".json"), json.dumps(note, sort_keys=True).encode())
