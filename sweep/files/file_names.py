"""How the files of runs are named, so that a name tells which attempt of which store has written the file.

    runs/<xx>/<run>/<step>.<attempt>.pt, weights.<attempt>.pt, scores/<score>.<attempt>/set0-features.npy

An attempt is named by its fencing token and its file tag, `<store>-<random>`: eight digits of the store's UUID, and
twelve that are drawn when the attempt begins. Tokens alone happen twice: two databases may share a folder, and a
database that is restored from a backup counts again from where the backup was made. Version 0.1.0 wrote no tag.
"""

from __future__ import annotations

import re
import secrets

RUNS, EXTRACTORS = "runs", "extractors"
STORE_DIGITS = 8
_RANDOM_BYTES = 6
_TAG = re.compile(rf"(?<![0-9a-f])([0-9a-f]{{{STORE_DIGITS}}})-[0-9a-f]{{{2 * _RANDOM_BYTES}}}(?![0-9a-f])")


def run_folder(train_key: str) -> str:
    """Where a run's files lie, under the folder of files. Named by its key, so that no study name reaches a path.

    Args:
        train_key: The run's identity, hexadecimal.
    """
    return f"{RUNS}/{train_key[:2]}/{train_key[:16]}"


def random_part() -> str:
    """The part of a file tag that no other attempt of any store has."""
    return secrets.token_hex(_RANDOM_BYTES)


def file_tag_in(path: str) -> str:
    """The file tag in a path; empty where there is none.

    Args:
        path: Path of a file, or of what is left of writing it, relative to the folder of files.
    """
    match = _TAG.search(path)
    return "" if match is None else match[0]


def store_in(file_tag: str) -> str:
    """The digits of the store in a file tag; empty for none."""
    return file_tag[:STORE_DIGITS]
