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


def _marking(kind: str, name: str) -> Callable[[Function], Function]:
    def marked(function: Function) -> Function:
        setattr(function, MARK, (kind, name))
        return function

    return marked
