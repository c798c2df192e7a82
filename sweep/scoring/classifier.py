"""A small CNN per dataset, trained once and frozen: what distances are measured with where Inception makes no sense.

Absolute distances of two such nets differ by tens of percent, although they rank images alike (Spearman >= 0.99 over
five seeds on digits). So there is one net per dataset, a file, and its hash is part of every score; it is accepted only
if it classifies well and sees more corruption as more distance. Training is deterministic on one machine: equal
images give an equal file. Another CPU may round otherwise and give another file. Those of known data sets are therefore
shipped (`shipped_classifiers.py`); copy others from the first machine, as the name tells them apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from sweep.data.dataset import Dataset
from sweep.data.pixels import to_model_range
from sweep.scoring.progress import Progress, ignore_progress

CPU = torch.device("cpu")
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
    """Balanced accuracy on the test images, the mean of the recalls of the classes; a net below it is refused."""


RECIPES: dict[str, Recipe] = {
    "digits": Recipe(epochs=20, batch=32, width=24, least_accuracy=0.95),
    "mnist": Recipe(epochs=2, batch=128, width=16, least_accuracy=0.98),
    "fashion_mnist": Recipe(epochs=4, batch=128, width=16, least_accuracy=0.88),
    "cifar10": Recipe(epochs=8, batch=128, width=32, least_accuracy=0.70),
    "image_folder": Recipe(epochs=20, batch=64, width=32, least_accuracy=0.70),
}


def recipe_of(name: str) -> Recipe:
    """The recipe of a data set; one of a plugin has that of a folder of images.

    Args:
        name: Name of the data set.
    """
    return RECIPES.get(name, RECIPES["image_folder"])


class Classifier(nn.Module):
    """Blocks of 3x3 convolution, ReLU and halving; 64 ReLU features; one linear layer. No dropout, no batch norm.

    Args:
        channels: Channels of the images.
        size: Height and width of the images, pixels.
        classes: Number of classes.
        width: Channels of the first block; doubled in each further one.
    """

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


def classifier_sizes(dataset: Dataset, labels: Tensor) -> tuple[int, int, int, int]:
    """The arguments of `Classifier` for a dataset whose training images have these labels.

    Args:
        dataset: The dataset that is classified.
        labels: Classes of the training images, int64 [N].
    """
    return dataset.channels, dataset.size, int(labels.max()) + 1, recipe_of(dataset.name).width


# He et al. 2015, eq. 10
def _initialise(net: Classifier, generator: torch.Generator) -> None:
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu", generator=generator)


def train_net(
    dataset: Dataset, labels: Tensor, on_progress: Progress = ignore_progress, device: torch.device = CPU
) -> Classifier:
    """Train a dataset's classifier by its recipe, on a CPU in one thread.

    Args:
        dataset: Where the training images come from.
        labels: Their classes, int64 [N].
        on_progress: Called over the images of all epochs.
        device: Device that it is trained on. Another device rounds otherwise and gives another classifier.

    Returns:
        The frozen net on the device, its features of mean square 1 over the training images.
    """
    recipe = recipe_of(dataset.name)
    generator = torch.Generator().manual_seed(SEED)
    net = Classifier(*classifier_sizes(dataset, labels))
    _initialise(net, generator)
    net.to(device)
    steps = recipe.epochs * -(-len(labels) // recipe.batch)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with _one_thread(), _same_kernels():
        for epoch in range(recipe.epochs):
            order = torch.randperm(len(labels), generator=generator)
            for start in range(0, len(labels), recipe.batch):
                batch = order[start : start + recipe.batch]
                logits = net(dataset.train[batch].to(device))[1]
                loss = functional.cross_entropy(logits, labels[batch].to(device))
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call] # torch's has no types
                optimizer.step()
                annealing.step()
                on_progress(epoch * len(labels) + start + len(batch), recipe.epochs * len(labels))
        net.requires_grad_(False).eval()
        _normalise(net, dataset.train)
    return net


# (c x)^+ = c x^+ for c > 0, so a scale can move through the ReLU without changing a logit.
def _normalise(net: Classifier, images: Tensor) -> None:
    """Give the features a mean square of 1. Training leaves their scale open; the kernel (x . y / D + 1)^3 reads it."""
    scale = float(features_and_logits(net, images)[0].square().mean().sqrt())
    net.features.weight.div_(scale)
    net.features.bias.div_(scale)
    net.classes.weight.mul_(scale)


def features_and_logits(net: Classifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """What a classifier computes of images, 500 at a time.

    Args:
        net: The frozen net.
        images: Images, uint8 [N, C, H, W].

    Returns:
        Features float32 [N, 64] and logits [N, K], on the CPU.
    """
    device = net.features.weight.device
    with torch.inference_mode():
        parts = [net(images[start : start + 500].to(device)) for start in range(0, len(images), 500)]
    return torch.cat([features.cpu() for features, _ in parts]), torch.cat([logits.cpu() for _, logits in parts])


@contextmanager
def _same_kernels() -> Iterator[None]:
    """On a GPU, let cuDNN use only kernels that sum in the same order every time."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


@contextmanager
def _one_thread() -> Iterator[None]:
    # The order of a sum depends on how many threads share it, and so would the weights.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
