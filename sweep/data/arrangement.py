"""Which split and which class an image belongs to, by the folders that it lies in or by a label that comes with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sweep.data.image_file import ImageFile
from sweep.data.left_out import escaped
from sweep.data.splits import SPLITS, Split
from sweep.errors import DataError

SPLIT_NAMES: Mapping[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""How people call the folders and files of splits, in lower case."""
_SPLIT_ORDER: Mapping[Split | None, int] = {None: 0, **{split: order for order, split in enumerate(SPLITS)}}


@dataclass(frozen=True)
class Member:
    """An image among others.

    Attributes:
        names: Names of the folders that it lies in, and its own.
        file: The image.
        label: Its class, where a label says so and not a folder.
    """

    names: tuple[str, ...]
    file: ImageFile
    label: int | None = None


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """Images in the order in which a data set holds them: split by split, class by class, and then by name.

    Attributes:
        members: The images.
        labels: The number of each image's class; None without classes.
        classes: Names of the classes, in the order of their numbers.
        splits: The split of each image; None where the folder has no splits of its own.
        deeper: Images that lie in folders below those of classes.
    """

    members: tuple[Member, ...]
    labels: tuple[int, ...] | None
    classes: tuple[str, ...]
    splits: tuple[Split, ...] | None
    deeper: tuple[Member, ...] = ()


def arranged_by_folders(root: Path, members: Sequence[Member]) -> Arrangement:
    """A folder is a class. Folders called train, val and test are splits, with or without folders of classes in them.

    Args:
        root: What holds the images; for messages.
        members: The images, in any order.

    Raises:
        DataError: It cannot be known whether a folder is a split or a class.
    """
    by_split = _by_split(root, members)
    all_of = [(split, member, below) for split, group in by_split.items() for member, below in group]
    shallow = [each for each in all_of if len(each[2]) <= 2]
    _refuse_half_of_classes(root, shallow)
    classes = sorted({below[0] for _, _, below in shallow if len(below) == 2})
    number = {name: label for label, name in enumerate(classes)}
    order = sorted(shallow, key=lambda each: (_SPLIT_ORDER[each[0]], each[2]))
    return Arrangement(
        members=tuple(member for _, member, _ in order),
        labels=tuple(number[below[0]] for _, _, below in order) if classes else None,
        classes=tuple(map(escaped, classes)),
        splits=tuple(split for split, _, _ in order if split) or None,
        deeper=tuple(member for _, member, below in all_of if len(below) > 2),
    )


def arranged_by_labels(
    root: Path, members: Sequence[Member], splits: Sequence[Split | None] | None = None
) -> Arrangement:
    """The label of an image is its class, and its folders mean nothing.

    Args:
        root: What holds the images; for messages.
        members: The images, in any order.
        splits: The split of each; None, or None for each, where they have none.

    Raises:
        DataError: Only some have a label, or one is negative, as it is where the class is unknown.
    """
    split_of = [None] * len(members) if splits is None else [*splits]
    numbers = sorted({member.label for member in members if member.label is not None})
    without = next((member for member in members if member.label is None or member.label < 0), None)
    if numbers and without is not None:
        raise DataError(
            f"{escaped(without.file.path)} has no class" + f", but {without.label}" * (without.label is not None),
            why=f"other images of {escaped(root)} have one",
            next="give every image its class, or none",
        )
    rank = {label: index for index, label in enumerate(numbers)}

    def position(each: tuple[Split | None, Member]) -> tuple[int, int, tuple[str, ...]]:
        split, member = each
        label = 0 if member.label is None else rank[member.label]
        return (_SPLIT_ORDER[split], label, member.names)

    order = sorted(zip(split_of, members, strict=True), key=position)
    return Arrangement(
        members=tuple(member for _, member in order),
        labels=tuple(rank[member.label] for _, member in order if member.label is not None) if numbers else None,
        classes=tuple(map(str, numbers)),
        splits=tuple(split for split, _ in order if split) or None,
    )


_Below = tuple[Member, tuple[str, ...]]
"""A member, and its names below the folder of its split."""


def _by_split(root: Path, members: Sequence[Member]) -> dict[Split | None, list[_Below]]:
    """The members of each split; of None where there are no splits."""
    tops = sorted({member.names[0] for member in members if len(member.names) > 1})
    split_of = {top: SPLIT_NAMES[top.lower()] for top in tops if top.lower() in SPLIT_NAMES}
    met = set(split_of.values())
    if "train" not in met and len(split_of) == len(tops) and len(met) > 1:
        raise DataError(
            f"{escaped(root)} holds {_listed(split_of)} and no folder of training images",
            why="a folder of that name is a split",
            next="add a folder called train, or rename these if they are classes",
        )
    if "train" not in met or len(met) == 1:
        if any(len(member.names) > 2 and member.names[0] in split_of for member in members):
            _refuse_beside_splits(root, members, split_of)
        return {None: [(member, member.names) for member in members]}
    _refuse_beside_splits(root, members, split_of)
    groups: dict[Split | None, list[_Below]] = {split: [] for split in SPLITS if split in met}
    for member in members:
        groups[split_of[member.names[0]]].append((member, member.names[1:]))
    return groups


def _refuse_beside_splits(root: Path, members: Sequence[Member], split_of: Mapping[str, Split]) -> None:
    beside = next((member.names[0] for member in members if member.names[0] not in split_of), None)
    if beside is not None:
        raise DataError(
            f"{escaped(root)} holds the splits {_listed(split_of)}, and beside them {escaped(beside)}",
            why="it belongs to no split",
            next="move it into one of them or elsewhere; or, where these folders are classes, rename them",
        )
    for split in SPLITS:
        same = [top for top in split_of if split_of[top] == split]
        if len(same) > 1:
            raise DataError(
                f"{escaped(root)} holds {_listed(same)}",
                why=f"both are names of the {split} split",
                next="rename or merge them",
            )


def _refuse_half_of_classes(root: Path, shallow: Sequence[tuple[Split | None, Member, tuple[str, ...]]]) -> None:
    flat = next((each for each in shallow if len(each[2]) == 1), None)
    classed = next((each for each in shallow if len(each[2]) == 2), None)
    if flat is None or classed is None:
        return
    if flat[0] is None:
        raise DataError(
            f"{escaped(root)} holds images and folders of images",
            why=f"is {escaped(flat[1].names[-1])} an image without a class, and {escaped(classed[2][0])} a class?",
            next="move the images into class folders, or the folders elsewhere",
        )
    raise DataError(
        f"{escaped(root)} holds images with a class and images without one",
        why=f"{escaped('/'.join(classed[1].names))} lies in a folder of a class, {escaped('/'.join(flat[1].names))} "
        "does not",
        next="sort all images of all splits into classes, or none, or move what has no class elsewhere",
    )


def _listed(names: Sequence[str] | Mapping[str, Split]) -> str:
    return " and ".join(f"{escaped(name)}/" for name in names)
