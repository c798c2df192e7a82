"""Labels in a `dataset.json`, as the tools of StyleGAN and EDM write it: `{"labels": [["00000/img0.png", 3], ...]}`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sweep.data.arrangement import Arrangement, Member, arranged_by_labels
from sweep.data.left_out import escaped
from sweep.errors import DataError


def arranged_by_dataset_json(root: Path, members: Sequence[Member], document: bytes) -> Arrangement:
    """The images with the labels of the document; without classes where it has none.

    Args:
        root: What holds the images; for messages.
        members: The images.
        document: Content of `dataset.json`.

    Raises:
        DataError: It is no such document, or says nothing of an image.
    """
    labels = _labels(root, document)
    if labels is None:
        return arranged_by_labels(root, members)
    named = []
    for member in members:
        name = "/".join(member.names)
        if name not in labels:
            raise _refused(root, f"it says nothing of {escaped(name)}")
        named.append(replace(member, label=labels[name]))
    return arranged_by_labels(root, named)


def _labels(root: Path, document: bytes) -> dict[str, int] | None:
    try:
        pairs = json.loads(document)["labels"]
        if pairs is None:
            return None
        labels = {name.replace("\\", "/"): label for name, label in pairs}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _refused(root, 'it is not {"labels": [[name, number], ...]}') from None
    wrong = next((label for label in labels.values() if type(label) is not int), None)
    if wrong is not None:
        raise _refused(root, f"a label is {escaped(str(wrong)[:40])}; whole numbers are expected")
    return labels


def _refused(root: Path, why: str) -> DataError:
    return DataError(
        f"the dataset.json of {escaped(root)} cannot be used",
        why=why,
        next="correct it, or remove it: then folders are classes",
    )
