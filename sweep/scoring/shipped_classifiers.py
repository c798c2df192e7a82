"""Classifiers whose weights are part of the package, so that a score has one name and one scale on every machine.

A classifier that is trained anew differs from CPU to CPU by how each rounds, and so do its distances. The weights of a
data set that everybody has are therefore trained once, by `python -m tests.golden.make_classifiers`, and shipped. Each
was accepted by the gate that judges trained ones (`sweep/scoring/gate.py`). A file that was released stays: scores in
people's stores name it by its hash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safetensors import safe_open
from safetensors.torch import load_file, save

from sweep.errors import DataError
from sweep.files.caches import read_cache
from sweep.files.hashes import sha256_of_bytes
from sweep.scoring.classifier import Classifier, Recipe

FOLDER = Path(__file__).parent / "classifiers"
SHIPPED: Mapping[str, str] = MappingProxyType(
    {
        "digits": "8a4244a17cc19a334ca736990c9c7966e079cbf0b0ae5d9ab53b6be59ea5e3db",
        "fashion_mnist": "e853ae317c5bf08a0a1624b989b01005e5697ce88b49a6d8346a020475a05ae6",
    }
)
"""Data set -> SHA-256 of the file of its classifier."""


def shipped_classifier(dataset: str, recipe: Recipe, learned_from: str) -> Path | None:
    """The file of the classifier that is shipped for a data set.

    Args:
        dataset: Name of the data set.
        recipe: How its classifier is trained here.
        learned_from: Hash of the images and labels that it would be trained on.

    Returns:
        The path, or None where none is shipped that was trained by this recipe on these images.

    Raises:
        DataError: The installation is damaged.
    """
    sha256 = SHIPPED.get(dataset)
    if sha256 is None:
        return None
    path = shipped_file(sha256)
    assert path is not None
    return path if _made_by(path) == _facts(recipe, learned_from, _made_by(path)["sizes"]) else None


def shipped_file(sha256: str) -> Path | None:
    """The file of a shipped classifier with this hash, or None.

    Args:
        sha256: SHA-256 of its bytes, as a protocol names it.

    Raises:
        DataError: The installation is damaged.
    """
    for dataset, shipped in SHIPPED.items():
        if shipped == sha256:
            path = FOLDER / f"{dataset}-cnn-{sha256[:8]}.safetensors"
            if sha256_of_bytes(read_cache(path) or b"") != sha256:
                raise DataError(f"{path} is damaged or missing.", next="Install ddpm-sweep again.")
            return path
    return None


def to_safetensors(net: Classifier, recipe: Recipe, learned_from: str) -> bytes:
    """The bytes of a file that can be shipped.

    Args:
        net: The trained and normalised net.
        recipe: How it was trained.
        learned_from: Hash of the images and labels that it was trained on.
    """
    # One entry, because the order of several is not fixed and would change the hash of the file.
    facts = json.dumps(_facts(recipe, learned_from, list(net.sizes)))
    return save(net.state_dict(), {"classifier": facts})


def from_safetensors(path: Path) -> Classifier:
    """The frozen net in a shipped file.

    Args:
        path: As `shipped_file` gives it.
    """
    net = Classifier(*_made_by(path)["sizes"])
    net.load_state_dict(load_file(path))
    return net.requires_grad_(False).eval()


def _made_by(path: Path) -> dict[str, Any]:
    with safe_open(path, "pt") as file:
        return dict(json.loads(file.metadata()["classifier"]))


def _facts(recipe: Recipe, learned_from: str, sizes: list[int]) -> dict[str, Any]:
    return {
        "sizes": sizes,
        "epochs": recipe.epochs,
        "batch": recipe.batch,
        "width": recipe.width,
        "learned_from": learned_from,
    }
