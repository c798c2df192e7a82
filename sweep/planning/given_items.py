"""The given items of a study, pinned to their content."""

from __future__ import annotations

from sweep.config.designs.given import Given
from sweep.config.study import Study
from sweep.data.facts import DATASET_FACTS
from sweep.data.given_items import pinned_item
from sweep.errors import InfeasibleConfig


def with_pinned_items(study: Study) -> Study:
    """The study with the hash of every given item; unchanged where it has none.

    Args:
        study: The study; relative paths begin in the folder of this process.

    Raises:
        DataError: An item is missing or cannot be scored.
        InfeasibleConfig: An arm names the same content twice, or two arms are the same.
    """
    design = study.design
    if not isinstance(design, Given):
        return study
    data, protocol = study.baseline.data, study.protocol
    facts = DATASET_FACTS.get(data.name)
    items = {
        arm: tuple(
            pinned_item(
                item,
                images=protocol.n * protocol.noise_sets,
                size=facts.size if facts is not None else data.size,
                channels=facts.channels if facts is not None else None,
            )
            for item in each
        )
        for arm, each in design.items.items()
    }
    pinned = design.model_copy(update={"items": items})
    _check_different(pinned)
    return study.model_copy(update={"design": pinned})


def _check_different(design: Given) -> None:
    seen: dict[str | None, tuple[str, str]] = {}
    for arm, items in design.items.items():
        for item in items:
            other = seen.setdefault(item.sha256, (arm, item.path))
            if other != (arm, item.path) or items.count(item) > 1:
                raise InfeasibleConfig(
                    f"{item.path} of arm `{arm}` has the same content as {other[1]} of arm `{other[0]}`",
                    why="It would be scored once and counted twice.",
                    next="Name each item once.",
                )
