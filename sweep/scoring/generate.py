"""Images from a trained net, each from noise of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sweep.config.own_part import OwnPart
from sweep.config.part_names import Precision
from sweep.config.run import EvalConfig
from sweep.data.pixels import to_uint8
from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import Diffusion
from sweep.diffusion.samplers import SamplingPlan, sample
from sweep.diffusion.targets import AnyTarget
from sweep.errors import Diverged
from sweep.nets.activation_memory import peak_activation_bytes
from sweep.nets.cuda_graph import Capture, Execution, captured_on_gpu
from sweep.scoring.guided_predictor import Guidance, GuidedPredictor
from sweep.scoring.own_sampling import own_sampler, own_spacing
from sweep.scoring.predictor import FixedPredictor, LabelledDenoise, predictor
from sweep.scoring.progress import Progress, ignore_progress
from sweep.scoring.sample_labels import SampleLabels

# Of a whole GPU's memory, for the largest batch: several trials may share one GPU.
SHARE_OF_GPU = 1 / 8
LARGEST_BATCH = 2048
# Images of the batch whose memory is computed.
PROBE = 16


def sampling_plan(config: EvalConfig, target: AnyTarget) -> SamplingPlan:
    """The reverse process of an evaluation.

    Args:
        config: The evaluation.
        target: What the net predicts (`training.noise_tables.target_of`).
    """
    return SamplingPlan(
        sampler=own_sampler(config.sampler) if isinstance(config.sampler, OwnPart) else config.sampler,
        steps=config.sampling_steps,
        target=target,
        spacing=own_spacing(config.spacing) if isinstance(config.spacing, OwnPart) else config.spacing,
        eta=config.eta,
        variance=config.variance,
        x0_clip=config.x0_clip,
    )


def generate(
    net: nn.Module,
    diffusion: Diffusion,
    plan: SamplingPlan,
    *,
    shape: tuple[int, int, int],
    n: int,
    noise_set: int,
    labels: SampleLabels | None = None,
    guidance: Guidance | None = None,
    batch: int | None = None,
    precision: Precision = "fp32",
    on_progress: Progress = ignore_progress,
    on_capture: Callable[[Capture], None] = lambda _: None,
    execution: Execution = captured_on_gpu,
) -> Tensor:
    """Images 0..n-1 of a noise set. Image k is a function of the net, the plan and the noise (noise_set, k).

    The class of an image is part of its noise: it is drawn from the same random stream.

    Args:
        net: (x_t [B, C, H, W], i int64 [B]) -> prediction, weights loaded, on the device to use.
        diffusion: Tables of the training chain.
        plan: The reverse process.
        shape: Shape of an image, (C, H, W).
        n: How many images.
        noise_set: Number of the noise set's random stream, 0..2^64-1 (`Protocol.noise_stream`).
        labels: Classes of the images, of a net that sees them.
        guidance: How they are guided; None for no guidance.
        batch: Images at a time; None: as memory allows. Halved until it fits.
        precision: Arithmetic of the net, and of nothing else.
        on_progress: Called with (images drawn, n) after each batch.
        on_capture: Called at the end with whether the net was launched as one CUDA graph.
        execution: How the net is run (`FixedPredictor`): on a GPU captured once and replayed.

    Returns:
        uint8 [n, C, H, W] on the CPU.

    Raises:
        Diverged: The net's output, and so an image, is not finite. There is no score of the images that are.
    """
    device = next(net.parameters()).device

    def draw(size: int) -> Tensor:
        classes = None if labels is None else labels.classes
        predict: FixedPredictor | GuidedPredictor
        if guidance is None:
            has_classes = classes is not None
            predict = FixedPredictor(net, precision, (size, *shape), device, execution, has_classes=has_classes)
        else:
            predict = GuidedPredictor(net, precision, (size, *shape), device, guidance, classes, execution)
        images = _all_images(predict, diffusion.to(device), plan, noise_set, n, on_progress, labels)
        on_capture(predict.capture)
        return images

    with torch.inference_mode(), evaluating(net):
        return _halved_until_it_fits(draw, min(n, batch or default_batch(net, shape, device, precision)))


def _halved_until_it_fits(draw: Callable[[int], Tensor], size: int) -> Tensor:
    while True:
        try:
            return draw(size)
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            size //= 2  # from the start: a batch size that changed half way would be in no record


def _all_images(
    predict: FixedPredictor | GuidedPredictor,
    diffusion: Diffusion,
    plan: SamplingPlan,
    noise_set: int,
    n: int,
    on_progress: Progress,
    labels: SampleLabels | None,
) -> Tensor:
    """Images 0..n-1, batch by batch.

    Batch size and n do not enter, up to rounding inside the net: its matrix products sum in another order in another
    batch, which moves a rare pixel by one level. At equal batch size the images are bit-equal, and those of a smaller n
    are the first of a larger one: the last batch is always full.
    """
    size, *shape = predict.shape
    batches: list[Tensor] = []
    while len(batches) * size < n:
        index = torch.arange(len(batches) * size, (len(batches) + 1) * size, device=diffusion.device)
        batches.append(_images(predict, diffusion, plan, tuple(shape), noise_set, index, labels))
        on_progress(min(n, len(batches) * size), n)
    return torch.cat(batches)[:n]


def default_batch(
    net: nn.Module, shape: tuple[int, int, int], device: torch.device, precision: Precision = "fp32"
) -> int:
    """Images at a time: a power of two that depends on the net and the kind of device alone.

    Nothing that the process did before, and nothing else that runs on the device, changes it.

    Args:
        net: The net.
        shape: Shape of an image, (C, H, W).
        device: Device that samples.
        precision: Arithmetic of the net.
    """
    if device.type != "cuda":
        # Enough to keep cores busy; more only moves memory.
        return max(16, min(512, _power_of_two(2**17 // (shape[1] * shape[2]))))
    with evaluating(net):
        home = next(net.parameters()).device
        bytes_per_image = peak_activation_bytes(predictor(net, precision), (PROBE, *shape), home) / PROBE
    fits = int(torch.cuda.get_device_properties(device).total_memory * SHARE_OF_GPU / bytes_per_image)
    return max(1, min(LARGEST_BATCH, _power_of_two(fits)))


def _power_of_two(at_most: int) -> int:
    return 1 << max(0, at_most.bit_length() - 1)


def _images(
    predict: LabelledDenoise,
    diffusion: Diffusion,
    plan: SamplingPlan,
    shape: tuple[int, ...],
    noise_set: int,
    index: Tensor,
    labels: SampleLabels | None,
) -> Tensor:
    device = index.device
    classes = None if labels is None else labels.of(noise_set, index)
    finite = torch.ones(len(index), dtype=torch.bool, device=device)

    def denoise(x: Tensor, i: Tensor) -> Tensor:
        nonlocal finite
        output = predict(x, i, classes)
        # Clipping x0 would turn an infinite prediction into a picture. Kept on the device: no waiting for it here.
        finite = finite & output.isfinite().flatten(1).all(dim=1)
        return output

    def noise(draw: int) -> Tensor:
        return sample_noise(noise_set, index, draw, shape, device)

    x = sample(denoise, diffusion, shape=(len(index), *shape), noise=noise, plan=plan)
    finite = finite & x.isfinite().flatten(1).all(dim=1)
    if not bool(finite.all()):
        bad = index[~finite].tolist()
        raise Diverged(
            f"{len(bad)} of {len(index)} images are not finite; the first is image {bad[0]}.",
            step=0,
            evidence={"images": [float(k) for k in bad[:16]]},
        )
    return to_uint8(x).cpu()


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Eval mode inside the block, and the training flags of before after it: dropout must not act."""
    training = [module for module in net.modules() if module.training]
    net.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
