"""The weights file of a dataset's classifier: shipped, or trained once, found again, and trained again where damaged.

A store goes on with the classifier that it has. Else the one that is shipped for these images is used, and where there
is none, one is trained. Two files make one trained classifier: `<dataset>-cnn-<sha8>.pt` with the weights, and a note,
found by a hash of the images and labels, that names the weights by their hash and holds what the gate measured.
"""

from __future__ import annotations

import logging
import re
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from sweep.data.dataset import Dataset
from sweep.data.facts import DATASET_FACTS
from sweep.data.sources import load_dataset
from sweep.errors import DataError
from sweep.files.caches import find_or_build, read_cache, read_json, read_sealed, write_cache, write_sealed
from sweep.files.hashes import sha256_of_bytes
from sweep.scoring.classifier import RECIPE, Classifier, classifier_sizes, recipe_of, train_net
from sweep.scoring.gate import check_gate
from sweep.scoring.progress import Progress, ignore_progress
from sweep.scoring.shipped_classifiers import from_safetensors, shipped_classifier, shipped_file

CPU = torch.device("cpu")
_SHA256 = re.compile("[0-9a-f]{64}")

log = logging.getLogger(__name__)

GATE = 2
"""Raise it with every change of the gate: what an earlier gate accepted is then judged again, and not trained again."""


def find_classifier(
    dataset: Dataset, *, folder: Path, device: torch.device = CPU, on_progress: Progress = ignore_progress
) -> Path:
    """The weights file of a dataset's classifier, trained now if `folder` holds none and none is shipped.

    Of several callers at once, in any process, one trains and the others wait for its file. On a CPU it uses one
    thread whatever the machine has; seconds for digits, a minute or two for 28 x 28.

    Args:
        dataset: What it learns to classify.
        folder: Where classifiers are kept.
        device: Device that it is trained on.
        on_progress: Called over the images of the training, if there is one.

    Returns:
        The path of the weights file.

    Raises:
        DataError: The dataset has no labels, or the net fails its gate.
    """
    dataset = _usual_split(dataset)
    labels = dataset.train_labels
    if labels is None:
        raise DataError(
            f"{dataset.name} has no labels to train a classifier on.",
            why="The extractor `classifier` learns to tell the classes of the dataset apart.",
            next="Use extractor: inception, or sort the images into one folder for each class.",
        )
    learned_from = hash_of_labelled(dataset, labels)
    note = folder / f"{dataset.name}-cnn-{learned_from[:16]}-recipe{RECIPE}.json"

    def build() -> Path:
        net = train_net(dataset, labels, on_progress, device)
        verdict = check_gate(net, dataset)
        weights = _to_bytes(net.cpu())
        path = _weights_path(folder, dataset, sha256_of_bytes(weights))
        write_cache(path, weights)
        _write_note(note, path, weights, learned_from, verdict)
        return path

    def find() -> Path | None:
        shipped = shipped_classifier(dataset.name, recipe_of(dataset.name), learned_from)
        return _find(note, dataset, learned_from) or shipped

    return find_or_build(note, find, build)


def _usual_split(dataset: Dataset) -> Dataset:
    """The same images, as they are split where a study says nothing of it.

    So that one data set has one classifier, and scores have one name whatever part of it a net was trained on.
    """
    facts, sizes = DATASET_FACTS.get(dataset.name), dataset.sizes
    is_whole = facts is not None and sizes.train + sizes.validation == facts.train + facts.validation
    if facts is None or not is_whole or sizes.validation == facts.validation:
        return dataset
    return load_dataset(dataset.name)


def hash_of_labelled(dataset: Dataset, labels: Tensor) -> str:
    """A hash of what a classifier learns from.

    Args:
        dataset: The images.
        labels: Classes of the training images, int64 [N].
    """
    # Labels are no part of the dataset's own hash: no training of a diffusion model sees them, but a classifier does.
    return sha256_of_bytes(dataset.content_sha256.encode() + labels.numpy().tobytes())


def load_classifier(path: Path, device: torch.device) -> tuple[str, str, Classifier]:
    """The classifier in a weights file.

    Args:
        path: Path of the weights file.
        device: Device that the net is put on.

    Returns:
        Its name, the SHA-256 of the file, and the frozen net on `device`.
    """
    content = read_cache(path)
    if content is None:
        raise DataError(
            f"No classifier at {path}.",
            why="It is trained once, on the machine that plans a study, and must be the same file everywhere.",
            next="Copy it from there.",
        )
    sha256 = sha256_of_bytes(content)
    net = from_safetensors(path) if shipped_file(sha256) == path else _from_bytes(content)
    if net is None:
        raise DataError(
            f"{path} holds no classifier.",
            why="Its bytes are not those of weights that were saved here.",
            next="Remove it and type the same command again.",
        )
    return f"{path.stem.rsplit('-', 1)[0]}-{sha256[:8]}", sha256, net.to(device)


def _find(note: Path, dataset: Dataset, learned_from: str) -> Path | None:
    """The weights file that a note names, if both are whole and of this dataset."""
    sealed = read_sealed(note)
    if sealed is not None and (sealed.get("learned_from"), sealed.get("gate")) == (learned_from, GATE):
        path = _weights_path(note.parent, dataset, sealed["sha256"])
        weights = read_cache(path)
        return path if weights is not None and sha256_of_bytes(weights) == sealed["sha256"] else None
    return _find_unsealed(note, dataset, learned_from)


def _find_unsealed(note: Path, dataset: Dataset, learned_from: str) -> Path | None:
    """The weights file that a note of an earlier version, or one that is damaged elsewhere, names.

    Training it again would give other weights on another CPU, so it is kept, but judged by the gate of today.

    Raises:
        DataError: The net fails the gate.
    """
    old = read_json(read_cache(note))
    # A note of an earlier version does not say what its weights were learned from.
    if old is None or old.get("learned_from", learned_from) != learned_from:
        return None
    if not _SHA256.fullmatch(str(old.get("sha256"))):
        return None
    path = _weights_path(note.parent, dataset, old["sha256"])
    weights = read_cache(path)
    if weights is None or old.get("file") != path.name or sha256_of_bytes(weights) != old["sha256"]:
        return None
    net = _from_bytes(weights)
    assert dataset.train_labels is not None
    if net is None or net.sizes != classifier_sizes(dataset, dataset.train_labels):
        return None
    log.warning("%s is damaged or of an earlier version: its classifier is tested again", note)
    _write_note(note, path, weights, learned_from, check_gate(net, dataset))
    return path


def _weights_path(folder: Path, dataset: Dataset, sha256: str) -> Path:
    return folder / f"{dataset.name}-cnn-{sha256[:8]}.pt"


def _write_note(note: Path, path: Path, weights: bytes, learned_from: str, verdict: dict[str, object]) -> None:
    known = {"file": path.name, "sha256": sha256_of_bytes(weights), "learned_from": learned_from, "gate": GATE}
    write_sealed(note, known | verdict)


def _to_bytes(net: Classifier) -> bytes:
    buffer = BytesIO()
    torch.save({"sizes": list(net.sizes), "weights": net.state_dict()}, buffer)
    return buffer.getvalue()


def _from_bytes(content: bytes) -> Classifier | None:
    """The frozen net in the bytes of a weights file, or None. Nothing in them is ever executed."""
    try:
        saved = torch.load(BytesIO(content), map_location="cpu", weights_only=True)
        net = Classifier(*saved["sizes"])
        net.load_state_dict(saved["weights"])
    except Exception:  # what torch raises on foreign bytes is not limited to a few classes
        return None
    return net.requires_grad_(False).eval()
