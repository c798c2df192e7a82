"""Commands of ours as text that can be pasted into a shell."""

from __future__ import annotations

import shlex


def command(verb: str, *words: object) -> str:
    """`sweep VERB WORDS`, quoted for a POSIX shell.

    Args:
        verb: One verb, or two as `trials ls`.
        words: Arguments and options; a file by its path object, so that one that begins with a dash is no option.
    """
    return " ".join(["sweep", verb, *(shlex.quote(_word(word)) for word in words)])


def _word(word: object) -> str:
    text = str(word)
    return f"./{text}" if text.startswith("-") and not isinstance(word, str) else text
