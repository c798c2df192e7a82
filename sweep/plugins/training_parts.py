"""Decorators of the parts that a training is made of: the train key holds the hash of their source."""

from __future__ import annotations

from collections.abc import Callable

from sweep.plugins.mark import MARK, Function, T, marking


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
    return marking("schedule", name)


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
    return marking("weighting", name)


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
    return marking("loss", name)


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
    return marking("optimizer", name)


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
    return marking("lr_schedule", name)


def target(name: str) -> Callable[[Function], Function]:
    """Mark a function as a prediction target that study files may name: on_x0 x_0 + on_noise epsilon.

    It takes `alphas_bar`, float64 [T], and settings, and returns `on_x0` and `on_noise`, float64 [T] each. How x_0 and
    epsilon follow from a prediction, and the weights of the weightings, come of these two.


    Args:
        name: Name of the target in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @target("velocity")
        def velocity(alphas_bar): ...
    """
    return marking("target", name)


def loss_term(name: str) -> Callable[[Function], Function]:
    """Mark a function as an additional term of the loss, of which a study file says the weight.

    It takes settings, and those of the following that it wants: `prediction`, `predicted_x0` (not clipped), `x0`,
    `noise` and `x_t`, float32 [B, C, H, W], the code index `i` = t - 1, int64 [B], and `alphas_bar`, float32
    [B, 1, 1, 1]. It returns a tensor [B, ...] of which the mean over all but the first dimension is added to the loss
    of each image, times `weight`, a setting of every term.


    Args:
        name: Name of the term in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @loss_term("edges")
        def edges(predicted_x0, x0, alphas_bar): ...
    """
    return marking("loss_term", name)


def objective(name: str) -> Callable[[Function], Function]:
    """Mark a function as a whole training objective that study files may name.

    It takes `net`, a function (x, i) -> output, the images `x0` and `noise`, float32 [B, C, H, W], the code indices
    `i` = t - 1, int64 [B], settings, and `x_t` and `diffusion` (`sweep.diffusion.process.Diffusion`) if it wants them.
    It returns the loss of each image, [B, ...]. Its random numbers come from torch's own generator, which the harness
    seeds at each step. The net must learn to predict `target` of the study file, which samplers read.


    Args:
        name: Name of the objective in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @objective("consistent")
        def consistent(net, x0, noise, i): ...
    """
    return marking("objective", name)
