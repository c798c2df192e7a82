"""A net as the reverse process calls it: eagerly, and at fixed addresses, so that a GPU can capture it."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from sweep.config.part_names import Precision
from sweep.nets.arithmetic import ARITHMETIC, net_arithmetic
from sweep.nets.cast_weights import with_cast_weights
from sweep.nets.cuda_graph import Capture, Execution, capture_of, captured_on_gpu


class LabelledDenoise(Protocol):
    """A net as it is called for samples: a `Denoise` that takes classes, too."""

    def __call__(self, x: Tensor, i: Tensor, labels: Tensor | None = None) -> Tensor:
        """The raw output of the net.

        Args:
            x: Noised images, float32 [B, C, H, W].
            i: Code index of each image, int64 [B].
            labels: Class of each image, int64 [B], of a net with classes.
        """


def predictor(net: nn.Module, precision: Precision) -> LabelledDenoise:
    """The net as the reverse process calls it.

    Args:
        net: (x_t [B, C, H, W], i int64 [B]) -> prediction, or with the classes as third argument.
        precision: Arithmetic of the net, and of nothing else.
    """

    def denoise(x: Tensor, i: Tensor, labels: Tensor | None = None) -> Tensor:
        with net_arithmetic(precision, x.device):
            output: Tensor = net(x, i) if labels is None else net(x, i, labels)
        return output

    return denoise


class FixedPredictor:
    """A predictor for batches of one size, whose net reads and writes tensors at fixed addresses.

    On a GPU the net's hundreds of kernels are captured and launched as one graph; elsewhere it is called. Sampler state
    and coefficients stay outside, so one capture serves every step of every sampler. Weights may be loaded over the
    old ones; a net that is moved, or set to train, needs another predictor.

    Args:
        net: In eval mode, on `device`.
        precision: Arithmetic of the net, and of nothing else.
        shape: Shape of a batch, (B, C, H, W).
        device: Device that the net is on.
        execution: How the net is run; another than the usual one is for tests and comparisons.
        has_classes: Whether the net is given the class of each image.
    """

    def __init__(
        self,
        net: nn.Module,
        precision: Precision,
        shape: tuple[int, ...],
        device: torch.device,
        execution: Execution = captured_on_gpu,
        *,
        has_classes: bool = False,
    ) -> None:
        self.shape = shape
        x = self._x = torch.zeros(shape, device=device)
        i = self._i = torch.zeros(shape[0], dtype=torch.int64, device=device)
        labels = torch.zeros(shape[0], dtype=torch.int64, device=device) if has_classes else None
        self._labels = labels
        outputs: list[Tensor] = []  # one, made by the first call, which alone knows its shape
        self._outputs = outputs
        rounded = ARITHMETIC[precision].autocast
        predict = predictor(net if rounded is None else with_cast_weights(net, rounded), precision)

        # No method: the execution keeps it, and a method would keep the predictor, which keeps the execution.
        def step_fn() -> None:
            output = predict(x, i, labels)
            if not outputs:
                outputs.append(torch.empty_like(output))
            outputs[0].copy_(output)

        self._call = execution(step_fn, device)

    @property
    def capture(self) -> Capture:
        """Whether the net is launched as one CUDA graph by now."""
        return capture_of(self._call)

    def __call__(self, x: Tensor, i: Tensor, labels: Tensor | None = None) -> Tensor:
        """The net's prediction, in a tensor of its own.

        Args:
            x: Noised images of the predictor's own shape, float32 [B, C, H, W].
            i: Code index of each image, int64 [B].
            labels: Class of each image, int64 [B], of a net with classes.
        """
        self._x.copy_(x)
        self._i.copy_(i)
        if self._labels is not None:
            assert labels is not None
            self._labels.copy_(labels)
        self._call()
        return self._outputs[0].clone()
