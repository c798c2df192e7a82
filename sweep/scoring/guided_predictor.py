"""A guided net as the reverse process calls it: two evaluations of it, batched as one where they are of one net."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sweep.config.part_names import Precision
from sweep.config.run import EvalConfig
from sweep.diffusion.guidance import guided_output, guided_times
from sweep.diffusion.process import Diffusion
from sweep.nets.cuda_graph import Capture, Execution, captured_on_gpu
from sweep.scoring.predictor import FixedPredictor


@dataclass(frozen=True, eq=False)
class Guidance:
    """How samples are guided.

    Attributes:
        scale: The guidance scale.
        times: Whether samples are guided at each code index t - 1.
        weaker: The net that is guided away from; None for the net itself without the class.
    """

    scale: float
    times: tuple[bool, ...]
    weaker: nn.Module | None = None


def guidance_of(config: EvalConfig, diffusion: Diffusion, weaker: nn.Module | None = None) -> Guidance | None:
    """The guidance of an evaluation; None where its scale is 1, so that no second evaluation is made.

    Args:
        config: The evaluation.
        diffusion: Tables of the training chain.
        weaker: The weaker net of autoguidance.
    """
    if config.guidance_scale == 1.0:
        return None
    times = guided_times(diffusion.alphas_bar.cpu().numpy(), config.guidance_interval)
    return Guidance(config.guidance_scale, times, weaker if config.guidance_kind == "autoguidance" else None)


class GuidedPredictor:
    """A predictor whose output is guided; it is called as a `FixedPredictor` is.

    Args:
        net: In eval mode, on `device`.
        precision: Arithmetic of the net, and of nothing else.
        shape: Shape of a batch of images, (B, C, H, W).
        device: Device that the net is on.
        guidance: How samples are guided.
        classes: Number of classes, of a net that sees them; else None.
        execution: How the net is run.
    """

    def __init__(
        self,
        net: nn.Module,
        precision: Precision,
        shape: tuple[int, ...],
        device: torch.device,
        guidance: Guidance,
        classes: int | None,
        execution: Execution = captured_on_gpu,
    ) -> None:
        self.shape = shape
        self._guidance, self._classes = guidance, classes
        has_classes = classes is not None
        self._alone = FixedPredictor(net, precision, shape, device, execution, has_classes=has_classes)
        if guidance.weaker is None:
            assert has_classes
            pairs = (2 * shape[0], *shape[1:])
            self._second = FixedPredictor(net, precision, pairs, device, execution, has_classes=True)
        else:
            self._second = FixedPredictor(guidance.weaker, precision, shape, device, execution, has_classes=has_classes)

    @property
    def capture(self) -> Capture:
        """Whether the guided net is launched as one CUDA graph by now."""
        return self._second.capture

    def __call__(self, x: Tensor, i: Tensor, labels: Tensor | None = None) -> Tensor:
        """The guided prediction, in a tensor of its own.

        Args:
            x: Noised images of the predictor's own shape, float32 [B, C, H, W].
            i: Code index of each image, int64 [B], the same of all.
            labels: Class of each image, int64 [B], of a net with classes.
        """
        # Reading i waits for the device; without an interval nobody asks.
        if not all(self._guidance.times) and not self._guidance.times[int(i[0])]:
            return self._alone(x, i, labels)
        if self._guidance.weaker is None:
            assert labels is not None
            assert self._classes is not None
            without = torch.full_like(labels, self._classes)
            both = self._second(torch.cat([x, x]), torch.cat([i, i]), torch.cat([labels, without]))
            output, weaker = both.chunk(2)
        else:
            output, weaker = self._alone(x, i, labels), self._second(x, i, labels)
        return guided_output(output, weaker, self._guidance.scale, x.shape[1])
