"""The last resort: an error that no part of sweep expected, in three lines and without its traceback."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Sequence

from sweep.errors import SweepError
from sweep.redaction import clean

# Of an error's own text: enough for a path or a statement's beginning, and one line of a wide terminal.
_MAX_REASON = 300


def unexpected(error: Exception, words: Sequence[str]) -> SweepError:
    """The error as one of ours, which says how to see its traceback and how to report it.

    Args:
        error: Whatever reached the top of the command.
        words: What was typed, the command's own name first.
    """
    reason = clean(" ".join(str(error).split()))
    if len(reason) > _MAX_REASON:
        reason = reason[:_MAX_REASON] + " ..."
    typed = clean(shlex.join(["sweep", *words[1:]]))
    return SweepError(
        "an error that sweep did not expect, most likely a fault of its own; nothing that was stored is lost",
        why=f"{type(error).__name__}: {reason}" if reason else type(error).__name__,
        next=f"SWEEP_DEBUG=1 {typed}  # shows the traceback: report it, with the output of `sweep version`",
    )


def traceback_of(error: BaseException) -> str:
    """The traceback without passwords: its tail, where it is long."""
    return clean("".join(traceback.format_exception(error)))
