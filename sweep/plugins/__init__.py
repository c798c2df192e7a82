"""Parts of your own: what a plugin file imports, how such a file is read without running it, and how it is loaded.

A plugin file marks its parts, and a study names the file under `plugins`:

    from sweep.plugins import net

    @net("tiny")
    class Tiny(nn.Module): ...

`source.py` reads what a file offers from its text alone, so that reading a study never runs code; `loading.py` runs it,
in a trial process, once a person has said that it may be run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

MARK = "__sweep_part__"


def net(name: str) -> Callable[[type[T]], type[T]]:
    """Mark a class as a net that study files may name.

    Its constructor takes `image_channels`, `image_size` and `out_channels`, and settings of the types int, float, bool,
    str or Literal of texts, each with a default. `forward(x, i)` predicts from noisy images x, float
    [B, image_channels, image_size, image_size], and indices of their noise level i, int64 [B], and returns
    [B, out_channels, image_size, image_size].

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
