"""A small CNN per dataset, trained once and frozen: what distances are measured with where Inception makes no sense.

Absolute distances of two such nets differ by tens of percent, although they rank images alike (Spearman >= 0.99 over
five seeds on digits). So there is one net per dataset, a file, and its hash is part of every score; it is accepted only
if it classifies well and sees more corruption as more distance. Training is deterministic on one machine: equal
images give an equal file. Another CPU may round otherwise and give another file: then copy the first one, as the name
tells them apart.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn
from torch.nn import functional

from sweep.config.keys import canonical_json
from sweep.data.dataset import Dataset
from sweep.data.pixels import to_model_range, to_uint8
from sweep.errors import DataError
from sweep.files.atomic import write_atomically
from sweep.files.contained import contained
from sweep.files.hashes import sha256_of_bytes, sha256_of_file
from sweep.files.locks import exclusive_lock
from sweep.scoring.frechet import frechet_distance, moments
from sweep.scoring.progress import Progress, ignore_progress

FEATURES = 64
SEED = 0
RECIPE = 1
"""Raise it with every change to the net or its training: files of other recipes are then not found."""


@dataclass(frozen=True)
class Recipe:
    """How one dataset's classifier is trained, and how well it must do."""

    epochs: int
    batch: int
    width: int
    """Channels of the first block; doubled in each further one."""
    least_accuracy: float
    """Of test images; a net below it is refused."""


RECIPES: dict[str, Recipe] = {
    "digits": Recipe(epochs=20, batch=32, width=24, least_accuracy=0.95),
    "mnist": Recipe(epochs=2, batch=128, width=16, least_accuracy=0.98),
    "fashion_mnist": Recipe(epochs=4, batch=128, width=16, least_accuracy=0.88),
    "cifar10": Recipe(epochs=8, batch=128, width=32, least_accuracy=0.70),
    "image_folder": Recipe(epochs=20, batch=64, width=32, least_accuracy=0.70),
}

# Standard deviations of added noise, in [-1, 1] units; all well above the sampling error of a distance.
CORRUPTIONS = (0.0, 0.1, 0.2, 0.4, 0.8)


class Classifier(nn.Module):
    """Blocks of 3x3 convolution, ReLU and halving; 64 ReLU features; one linear layer. No dropout, no batch norm."""

    dim = FEATURES

    def __init__(self, channels: int, size: int, classes: int, width: int) -> None:
        super().__init__()
        self.sizes = (channels, size, classes, width)
        levels = max(2, math.ceil(math.log2(size / 8)))
        widths = [channels, *(width * 2**level for level in range(levels))]
        # Layers draw their first weights from the global random stream; these are drawn below, from a stream of ours.
        with torch.device("meta"):
            self.blocks = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))
            self.features = nn.Linear(widths[-1] * (size // 2**levels) ** 2, FEATURES)
            self.classes = nn.Linear(FEATURES, classes)
        self.to_empty(device="cpu")

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 [B, C, H, W] -> float32 features [B, 64] and logits [B, K]."""
        x = to_model_range(images)
        for block in self.blocks:
            x = functional.max_pool2d(functional.relu(block(x)), 2)
        features = functional.relu(self.features(x.flatten(1)))
        return features, self.classes(features)


# He et al. 2015, eq. 10
def _initialise(net: Classifier, generator: torch.Generator) -> None:
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)


def train_classifier(dataset: Dataset, *, folder: Path, on_progress: Progress = ignore_progress) -> Path:
    """The weights file of a dataset's classifier, `<dataset>-cnn-<sha8>.pt`, trained now if `folder` holds none.

    Of several callers at once, in any process, one trains and the others wait for its file. Uses the CPU and one
    thread whatever the machine has; seconds for digits, a minute or two for 28 x 28.

    Raises:
        DataError: The dataset has no labels, or the net fails its gate.
    """
    labels = dataset.train_labels
    if labels is None:
        raise DataError(
            f"{dataset.name} has no labels to train a classifier on.",
            why="The extractor `classifier` learns to tell the classes of the dataset apart.",
            next="Use extractor: inception, or sort the images into one folder for each class.",
        )
    # Labels are no part of the dataset's own hash: no training of a diffusion model sees them, but this one does.
    learned_from = sha256_of_bytes(dataset.content_sha256.encode() + labels.numpy().tobytes())
    note = folder / f"{dataset.name}-cnn-{learned_from[:16]}-recipe{RECIPE}.json"
    with exclusive_lock(note.with_suffix(".lock")):
        kept = _noted(note)
        if kept is not None:
            return kept
        net = _trained(dataset, labels, RECIPES[dataset.name], on_progress)
        verdict = check_gate(net, dataset)
        data = _weights(net)
        sha256 = sha256_of_bytes(data)
        path = folder / f"{dataset.name}-cnn-{sha256[:8]}.pt"
        write_atomically(path, data)
        write_atomically(note, canonical_json({"file": path.name, "sha256": sha256, **verdict}).encode())
        return path


def load_classifier(path: Path, device: torch.device) -> tuple[str, str, Classifier]:
    """Name, sha256 of the file, and the frozen net on `device`.

    Raises:
        DataError: No such file, or one that holds no such weights.
    """
    if not path.is_file():
        raise DataError(
            f"No classifier at {path}.",
            why="It is trained once, on the machine that plans a study, and must be the same file everywhere.",
            next="Copy it from there.",
        )
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        net = Classifier(*saved["sizes"])
        net.load_state_dict(saved["weights"])
    except (UnpicklingError, RuntimeError, EOFError, KeyError, TypeError) as error:
        raise DataError(f"{path} holds no classifier.", why=str(error).splitlines()[0]) from error
    sha256 = sha256_of_file(path)
    name = f"{path.stem.rsplit('-', 1)[0]}-{sha256[:8]}"
    return name, sha256, net.requires_grad_(False).eval().to(device)


def check_gate(net: Classifier, dataset: Dataset) -> dict[str, object]:
    """Accuracy on test images, and the distance of ever noisier test images to the training images.

    Raises:
        DataError: Accuracy below the recipe's, or distances that do not rise.
    """
    assert dataset.test_labels is not None
    least = RECIPES[dataset.name].least_accuracy
    accuracy = _accuracy(net, dataset.test, dataset.test_labels)
    if accuracy < least:
        raise DataError(
            f"The classifier of {dataset.name} is right on {accuracy:.1%} of test images; {least:.0%} are needed.",
            why="Distances between the features of a poor classifier mean little.",
            next="Check that images and labels belong together, or use extractor: inception.",
        )
    distances = _corruption_distances(net, dataset)
    if not all(a < b for a, b in pairwise(distances)):
        raise DataError(
            f"The classifier of {dataset.name} sees no growing distance under growing noise: {distances}.",
            why="Its distances would not rank images by quality.",
            next="Use extractor: inception.",
        )
    return {"accuracy": accuracy, "corruptions": list(CORRUPTIONS), "distances": distances}


def _trained(dataset: Dataset, labels: Tensor, recipe: Recipe, on_progress: Progress) -> Classifier:
    generator = torch.Generator().manual_seed(SEED)
    net = Classifier(dataset.channels, dataset.size, int(labels.max()) + 1, recipe.width)
    _initialise(net, generator)
    steps = recipe.epochs * -(-len(labels) // recipe.batch)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with _one_thread():
        for epoch in range(recipe.epochs):
            order = torch.randperm(len(labels), generator=generator)
            for start in range(0, len(labels), recipe.batch):
                batch = order[start : start + recipe.batch]
                loss = functional.cross_entropy(net(dataset.train[batch])[1], labels[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                annealing.step()
                on_progress(epoch * len(labels) + start + len(batch), recipe.epochs * len(labels))
        net.requires_grad_(False).eval()
        _normalise(net, dataset.train)
    return net


# (c x)^+ = c x^+ for c > 0, so a scale can move through the ReLU without changing a logit.
def _normalise(net: Classifier, images: Tensor) -> None:
    """Give the features a mean square of 1. Training leaves their scale open; the kernel (x . y / D + 1)^3 reads it."""
    scale = float(_seen(net, images)[0].square().mean().sqrt())
    net.features.weight.div_(scale)
    net.features.bias.div_(scale)
    net.classes.weight.mul_(scale)


def _seen(net: Classifier, images: Tensor) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        parts = [net(images[start : start + 500]) for start in range(0, len(images), 500)]
    return torch.cat([features for features, _ in parts]), torch.cat([logits for _, logits in parts])


def _accuracy(net: Classifier, images: Tensor, labels: Tensor) -> float:
    return float((_seen(net, images)[1].argmax(dim=1) == labels).double().mean())


def _corruption_distances(net: Classifier, dataset: Dataset) -> list[float]:
    noise = torch.randn(dataset.test.shape, generator=torch.Generator().manual_seed(SEED))
    reference = moments(_seen(net, dataset.train[:10_000])[0].numpy())
    noisy = (to_uint8(to_model_range(dataset.test) + sd * noise) for sd in CORRUPTIONS)
    return [frechet_distance(moments(_seen(net, images)[0].numpy()), reference) for images in noisy]


def _weights(net: Classifier) -> bytes:
    buffer = BytesIO()
    torch.save({"sizes": list(net.sizes), "weights": net.state_dict()}, buffer)
    return buffer.getvalue()


def _noted(note: Path) -> Path | None:
    if not note.is_file():
        return None
    told = json.loads(note.read_text())
    path = contained(note.parent, told["file"])
    return path if path.is_file() and sha256_of_file(path) == told["sha256"] else None


@contextmanager
def _one_thread() -> Iterator[None]:
    # The order of a sum depends on how many threads share it, and so would the weights.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
