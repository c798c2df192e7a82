"""Parts of your own: what a plugin file imports, how such a file is read without running it, and how it is loaded.

A plugin file marks its parts, and a study names the file under `plugins`:

    from sweep.plugins import schedule

    @schedule("power")
    def power(T: int, *, exponent: float = 2.0): ...

`kinds.py` has what a part of each kind receives; `source.py` and `signatures.py` read what a file offers from its text
alone, so that reading a study never runs code; `loading.py` runs it, in a trial process, once a person has said that
it may be run. Every argument of a part that the harness does not pass is a setting of the study file: typed int,
float, bool, str or Literal of texts, with a default.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., object])

MARK = "__sweep_part__"


def net(name: str) -> Callable[[type[T]], type[T]]:
    """Mark a class as a net that study files may name.

    Its constructor takes `image_channels`, `image_size`, `out_channels` and settings. `forward(x, i)` predicts from
    noisy images x, float [B, image_channels, image_size, image_size], and indices of their noise level i, int64 [B],
    and returns [B, out_channels, image_size, image_size].

    Args:
        name: Name of the net in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the class unchanged but for a mark.

    Example:
        @net("tiny")
        class Tiny(nn.Module): ...
    """

    def marked(cls: type[T]) -> type[T]:
        setattr(cls, MARK, ("net", name))
        return cls

    return marked


def schedule(name: str) -> Callable[[Function], Function]:
    """Mark a function as a schedule of betas that study files may name.

    It takes `T`, the length of the training chain, and settings, and returns the betas of t = 1..T, float64 [T], in
    (0, 1]. `sweep.diffusion.chains.betas_from` makes them of a curve of alphas_bar.

    Args:
        name: Name of the schedule in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @schedule("power")
        def power(T: int, *, exponent: float = 2.0): ...
    """
    return _marking("schedule", name)


def weighting(name: str) -> Callable[[Function], Function]:
    """Mark a function as a weighting of the loss over t that study files may name.

    It takes `snr`, the signal-to-noise ratio of t = 1..T, float64 [T], `alphas_bar` [T] if it wants it, and settings.
    It returns the weight of each t on the squared error of x_0, float64 [T], whatever the net predicts: `snr` itself is
    the unweighted loss of Ho et al. 2020, eq. 14.

    Args:
        name: Name of the weighting in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @weighting("soft_min_snr")
        def soft_min_snr(snr, *, gamma: float = 5.0): ...
    """
    return _marking("weighting", name)


def loss(name: str) -> Callable[[Function], Function]:
    """Mark a function as a loss between prediction and target that study files may name.

    It takes `prediction` and `target`, float32 [B, C, H, W], and settings, and returns a tensor [B, ...] of which the
    mean over all but the first dimension is the loss of each image, such as the elementwise loss.

    Args:
        name: Name of the loss in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @loss("log_cosh")
        def log_cosh(prediction, target): ...
    """
    return _marking("loss", name)


def dataset(name: str) -> Callable[[Function], Function]:
    """Mark a function as a data set that study files may name.

    It takes settings, and returns images, uint8 [N, C, size, size] with C = 1 or 3, as an array of numpy or a tensor;
    or images and their classes, integers [N], which `extractor: classifier` needs. The images follow from its source
    and its settings alone; a score notices others. A tenth each is held out for validation and testing.

    Args:
        name: Name of the data set in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @dataset("gratings")
        def gratings(*, count: int = 1000): ...
    """
    return _marking("dataset", name)


def metric(name: str, *, better: str) -> Callable[[Function], Function]:  # noqa: ARG001 - read from the text
    """Mark a function as a metric that study files may ask for under `extra_metrics`.

    It takes `images`, the samples of a noise set, uint8 [N, C, H, W], `real`, the images that they are compared with,
    if it wants them, and settings. It returns a finite number, or one for each image, float [N], whose mean is taken.

    Args:
        name: Name of the metric in study files: lower-case letters, digits and underscores.
        better: Which values are better: `lower`, `higher`, `near_one`, or `neither`.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @metric("contrast", better="neither")
        def contrast(images): ...
    """
    return _marking("metric", name)


def optimizer(name: str) -> Callable[[Function], Function]:
    """Mark a function as an optimizer that study files may name.

    It takes `params`, a list of parameters on one device, `lr`, a scalar tensor that the harness sets before each step,
    `betas`, `eps` and `weight_decay` of the study file if it wants them, and settings. It returns a
    `torch.optim.Optimizer` over all of `params` whose groups keep the tensor as their `lr`, and whose state is whole
    in its `state_dict`. It runs without CUDA graphs, so it may count its steps in Python.

    Args:
        name: Name of the optimizer in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @optimizer("lion")
        def lion(params, lr, betas, weight_decay): ...
    """
    return _marking("optimizer", name)


def lr_schedule(name: str) -> Callable[[Function], Function]:
    """Mark a function as a schedule of the learning rate that study files may name.

    It takes `progress`, the share of the images of the run that were seen before the step, in [0, 1), and settings. It
    returns the factor on `lr`, a finite number that is not negative. A warm-up of the study file comes on top.

    Args:
        name: Name of the schedule in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @lr_schedule("cooldown")
        def cooldown(progress: float, *, share: float = 0.2): ...
    """
    return _marking("lr_schedule", name)


def sampler(name: str) -> Callable[[Function], Function]:
    """Mark a function as a sampler that study files may name: the coefficients of every step of the reverse process.

    It takes `at`, the noise levels of the K visited steps in ascending t (`sweep.diffusion.levels.Levels`), `eta` of
    the study file if it wants it, and settings. It returns `sweep.diffusion.coefficients.Columns` of float64 [K].

    Args:
        name: Name of the sampler in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @sampler("euler")
        def euler(at): ...
    """
    return _marking("sampler", name)


def _marking(kind: str, name: str) -> Callable[[Function], Function]:
    def marked(function: Function) -> Function:
        setattr(function, MARK, (kind, name))
        return function

    return marked
