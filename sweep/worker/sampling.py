"""Images of a trained run for people."""

from __future__ import annotations

import torch

from sweep.config.data import DataConfig
from sweep.data.facts import DATASET_FACTS
from sweep.errors import Preempted
from sweep.scoring.artifacts import sha256_of_array
from sweep.scoring.generate import generate, sampling_plan
from sweep.scoring.image_files import write_images
from sweep.training.own_parts import target_of
from sweep.worker.messages import Sampled, Send, ShouldStop
from sweep.worker.orders import SampleJob
from sweep.worker.preparation import counting, dataset_of
from sweep.worker.trained_net import diffusion_of, read_weights, trained_net


def sample_run(job: SampleJob, device: torch.device, send: Send, should_stop: ShouldStop) -> Sampled:
    """Draw the images of a job, and write them.

    Args:
        job: The run, the evaluation, and where the images go.
        device: Device on which it samples.
        send: Sends the number of sampled images.
        should_stop: Whether the images are not wanted any more.

    Raises:
        Preempted: The images are not wanted any more. Nothing was written.
        UnreadableWeights: The weights are missing, incomplete or altered.
        Diverged: An image is not finite.
    """
    count = counting("sampling", send)

    def on_images(done: int, total: int) -> None:
        if should_stop():
            raise Preempted(f"sampling was stopped after {done:,} of {total:,} images")
        count(done, total)

    channels, size = image_shape(job.train.data)
    weights = read_weights(job.evaluation, job.weights, job.files, device)
    images = generate(
        trained_net(job.train, weights, channels=channels, size=size, device=device),
        diffusion_of(job.train, device),
        sampling_plan(job.evaluation, target_of(job.train, device)),
        shape=(channels, size, size),
        n=job.n,
        noise_set=job.noise_set,
        precision=job.train.precision,
        on_progress=on_images,
    )
    write_images(job.out, images)
    return Sampled(sha256_of_array(images.numpy()))


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
