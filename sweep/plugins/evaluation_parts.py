"""Decorators of data sets, and of the parts of an evaluation, whose hash the eval key holds."""

from __future__ import annotations

from collections.abc import Callable

from sweep.plugins.mark import Function, marking


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
    return marking("dataset", name)


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
    return marking("metric", name)


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
    return marking("sampler", name)


def spacing(name: str) -> Callable[[Function], Function]:
    """Mark a function as a spacing that study files may name: which t a shorter reverse process visits.

    It takes `T`, the length of the training chain, `steps`, the number of sampling steps, and settings. It returns the
    code indices i = t - 1, ascending, integers [K] in 0..T-1, K <= `steps`; the last must not be 0.


    Args:
        name: Name of the spacing in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @spacing("cubic")
        def cubic(T, steps): ...
    """
    return marking("spacing", name)


def feature_extractor(name: str) -> Callable[[Function], Function]:
    """Mark a function as a feature extractor that protocols may name.

    It takes settings, of which some may be files, and returns a function or a module from images, uint8 [B, C, H, W],
    to features, float [B, D]; a module is moved to the device of the score and put in eval mode.

    Args:
        name: Name of the extractor in study files: lower-case letters, digits and underscores.

    Returns:
        A decorator that returns the function unchanged but for a mark.

    Example:
        @feature_extractor("patches")
        def patches(*, size: int = 3): ...
    """
    return marking("feature_extractor", name)
