"""Sentences on studies that score what exists: what was given, and what the numbers leave out."""

from __future__ import annotations

from collections.abc import Iterator

from sweep.config.given import GivenItem
from sweep.quantities import quantity
from sweep.reporting.formatting import join_words
from sweep.reporting.frames.frames import StudyFrames

HOW_MADE = "how the items were made and chosen: by which training, from which seeds, and out of how many"
NOT_KNOWN = f"Nothing was trained here. The store does not know {HOW_MADE}."


def given_items(frames: StudyFrames) -> dict[str, list[GivenItem]]:
    """Arm -> its items, in the order of the study file; empty where the study trains.

    Args:
        frames: The tables of the study.
    """
    design, cells = frames.study_ref.design, frames.cells
    if design.trains:
        return {}
    counts = {str(arm): int(last) + 1 for arm, last in cells.groupby("arm", sort=False)["replicate"].max().items()}
    items = {arm: [design.item(arm, replicate) for replicate in range(count)] for arm, count in counts.items()}
    return {arm: [item for item in each if item is not None] for arm, each in items.items()}


def given_warnings(frames: StudyFrames) -> Iterator[str]:
    """What to know before believing a comparison of items.

    Args:
        frames: The tables of the study.
    """
    items = given_items(frames)
    if not items:
        return
    yield NOT_KNOWN
    single = [arm for arm, each in items.items() if len(each) == 1]
    if single:
        arms = "Every arm" if len(single) == len(items) else f"Each of {join_words(single)}"
        yield (
            f"{arms} has one item. Intervals with one item cover the images of these items alone. They leave out what "
            "another training, or another draw of the same net, would change, which is usually more. Give several "
            "items of an arm as a list for verdicts."
        )


def given_text(frames: StudyFrames) -> str:
    """The first paragraph of the methods: what was scored.

    Args:
        frames: The tables of the study.
    """
    items = given_items(frames)
    counts = join_words([f"{arm} ({quantity(len(each), 'item')})" for arm, each in items.items()])
    data = frames.study_ref.data["name"].replace("_", " ")
    sets, n = len(frames.protocol.get("noise_sets", ())) or 1, frames.protocol.get("n", 0)
    parts = f"{n:,} images of each item" + (f" in each of {sets} disjoint parts" if sets > 1 else "")
    return (
        f"No net was trained. We scored images that existed: {counts}. {parts[0].upper()}{parts[1:]} were compared "
        f"with those of {data}; items are identified by the SHA-256 of their pixels."
    )
