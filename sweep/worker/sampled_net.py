"""A trained net with all that its samples depend on: its chain, the classes that they are drawn from, and guidance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from sweep.config.data import DataConfig
from sweep.config.run import EvalConfig, TrainConfig
from sweep.data.facts import DATASET_FACTS
from sweep.data.splits import Split
from sweep.diffusion.process import Diffusion
from sweep.errors import UsageError
from sweep.files.file_store import FileStore
from sweep.scoring.guided_predictor import Guidance, guidance_of
from sweep.scoring.sample_labels import SampleLabels, sample_labels
from sweep.store.records import ArtifactRecord
from sweep.worker.preparation import dataset_of
from sweep.worker.trained_net import diffusion_of, read_weaker_weights, read_weights, trained_net


@dataclass(frozen=True, kw_only=True, eq=False)
class SampledNet:
    """A net and how images are drawn from it.

    Attributes:
        net: The net, with the average of its weights that the evaluation names.
        diffusion: Tables of the training chain.
        shape: Shape of an image, (C, H, W).
        labels: Classes of the samples, of a net that sees them.
        guidance: How samples are guided; None for no guidance.
    """

    net: nn.Module
    diffusion: Diffusion
    shape: tuple[int, int, int]
    labels: SampleLabels | None
    guidance: Guidance | None


def sampled_net(
    train: TrainConfig,
    evaluation: EvalConfig,
    weights: ArtifactRecord,
    files: FileStore,
    device: torch.device,
    *,
    reference: Split,
    only_class: int | None = None,
) -> SampledNet:
    """A trained net as an evaluation samples from it. Data that its images come from are read where it has classes.

    Args:
        train: The training that made the weights.
        evaluation: The evaluation.
        weights: File of the weights.
        files: File store of the weights.
        device: Device to use.
        reference: Split whose shares the classes of samples have.
        only_class: The class of every sample; None for all classes.

    Raises:
        UnreadableWeights: Their file is missing, incomplete or altered.
        UsageError: The net sees no classes, or has no such class.
    """
    labels = _labels(train, reference, only_class)
    channels, size = image_shape(train.data)
    classes = 0 if labels is None else labels.classes
    build = partial(trained_net, train, channels=channels, size=size, classes=classes, device=device)
    diffusion = diffusion_of(train, device)
    weaker = read_weaker_weights(train, evaluation, weights, files, device)
    return SampledNet(
        net=build(read_weights(train, evaluation, weights, files, device)),
        diffusion=diffusion,
        shape=(channels, size, size),
        labels=labels,
        guidance=guidance_of(evaluation, diffusion, None if weaker is None else build(weaker)),
    )


def _labels(train: TrainConfig, reference: Split, only: int | None) -> SampleLabels | None:
    if not train.conditional:
        if only is not None:
            raise UsageError("the run has no classes to choose from", why="It was trained without conditional: true.")
        return None
    labels = sample_labels(dataset_of(train.data), reference, only=only)
    if only is not None and not 0 <= only < labels.classes:
        raise UsageError(f"there is no class {only}", next=f"Choose one of 0 to {labels.classes - 1}.")
    return labels


def image_shape(data: DataConfig) -> tuple[int, int]:
    """Channels and size of the images of a data set. Only a folder of images is read for it.

    Args:
        data: The data of a training.

    Raises:
        ImagesUnavailable: The folder holds other images than at launch, or cannot be read.
    """
    if data.name in DATASET_FACTS:
        facts = DATASET_FACTS[data.name]
        return facts.channels, facts.size
    dataset = dataset_of(data)
    return dataset.channels, dataset.size
