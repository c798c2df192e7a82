"""Folders and arrays of images for studies that score what exists: digits with noise added."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from sweep.data.sources import load_dataset


def noisy_digits(count: int, *, sd: float, seed: int = 0) -> NDArray[np.uint8]:
    """`count` digits with normal noise added, uint8 [N, 8, 8]."""
    random = np.random.default_rng(seed)
    train = load_dataset("digits").train[:, 0].numpy()
    chosen = train[random.choice(len(train), count)].astype(float)
    return (chosen + random.normal(0.0, sd, chosen.shape)).clip(0, 255).round().astype(np.uint8)


def write_folder(path: Path, images: NDArray[np.uint8]) -> Path:
    """One PNG an image."""
    path.mkdir(parents=True)
    for index, image in enumerate(images):
        Image.fromarray(image).save(path / f"{index:05}.png")
    return path


def write_array(path: Path, images: NDArray[np.uint8]) -> Path:
    """An .npz as the evaluator of guided-diffusion reads it."""
    np.savez(path, images[..., None] if images.ndim == 3 else images)
    return path


def given_study(items: dict[str, Any], *, n: int = 64, noise_sets: int = 1, **fields: Any) -> dict[str, Any]:
    """A study file that scores items."""
    return {
        "name": "items",
        "question": "Which images are better?",
        "baseline": {"data": "digits"},
        "design": {"kind": "given", "items": items, **fields.pop("design", {})},
        "protocol": {"extractor": "classifier", "n": n, "noise_sets": noise_sets},
        **fields,
    }


def write_study(path: Path, study: dict[str, Any]) -> Path:
    """The study as a file."""
    path.write_text(yaml.safe_dump(study))
    return path
