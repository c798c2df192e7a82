"""Images of a trained run for people."""

from __future__ import annotations

import torch

from sweep.errors import Preempted
from sweep.files.array_hashes import sha256_of_array
from sweep.scoring.generate import generate, sampling_plan
from sweep.scoring.image_files import write_images
from sweep.training.own_parts import target_of
from sweep.worker.messages import Sampled, Send, ShouldStop
from sweep.worker.orders import SampleJob
from sweep.worker.preparation import counting
from sweep.worker.sampled_net import sampled_net


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

    sampled = sampled_net(
        job.train,
        job.evaluation,
        job.weights,
        job.files,
        device,
        reference=job.reference,
        only_class=job.only_class,
    )
    images = generate(
        sampled.net,
        sampled.diffusion,
        sampling_plan(job.evaluation, target_of(job.train, device)),
        shape=sampled.shape,
        labels=sampled.labels,
        guidance=sampled.guidance,
        n=job.n,
        noise_set=job.noise_set,
        precision=job.train.precision,
        on_progress=on_images,
    )
    write_images(job.out, images)
    return Sampled(sha256_of_array(images.numpy()))
