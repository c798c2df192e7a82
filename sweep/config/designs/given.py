"""The design for arms that exist already: nothing is trained, and each item is scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from sweep.config.designs.arms import BASELINE, Arm
from sweep.config.designs.base import Design
from sweep.config.designs.designed_study import DesignedStudy
from sweep.config.given import GivenItem, GivenItems
from sweep.config.problems import misfit
from sweep.config.run import Setting
from sweep.config.values import Name
from sweep.limits import MAX_ARMS


class Given(Design):
    """Arms that are not trained here: folders of images and arrays of them. Several items of an arm are replicates."""

    kind: Literal["given"] = "given"
    items: dict[Name, GivenItems] = Field(
        max_length=MAX_ARMS, description="Arm -> its item, or a list of items. One arm is called baseline."
    )
    paired: bool = Field(
        False,
        description="Whether the items at one place of the lists belong together, for example by a common seed.",
    )
    trains: ClassVar[bool] = False
    combines_levels: ClassVar[bool] = False
    why_no_tune: ClassVar[str] = "nothing is trained"

    @property
    def has_paired_replicates(self) -> bool:
        """As the study file says."""
        return self.paired

    def arms(self, study: DesignedStudy) -> Iterator[Arm]:
        """Each arm of `items`, in their order."""
        del study
        for name in self.items:
            yield Arm(name, {} if name == BASELINE else {"given": name})

    def check(self, study: DesignedStudy) -> None:
        """Refuse what belongs to trainings."""
        if BASELINE not in self.items:
            raise misfit(("design", "items"), f"one arm must be called {BASELINE}: the others are compared with it")
        for name in study.factors:
            raise misfit(("factors", name), "`design: given` scores its items as they are: leave factors out")
        if study.tune is not None:
            raise misfit(("tune",), "`design: given` trains nothing, so there is nothing to tune")
        _check_settings(study.baseline)
        lengths = {name: len(items) for name, items in self.items.items()}
        if self.paired and len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} {count}" for name, count in lengths.items())
            raise misfit(("design", "items"), f"paired items need lists of one length; found {counts}")

    def replicates(self, arm: str) -> int | None:
        """One for each item of the arm."""
        return len(self.items[arm])

    def item(self, arm: str, replicate: int) -> GivenItem | None:
        """The item that a replicate of an arm is."""
        item: GivenItem = self.items[arm][replicate]
        return item


SETTINGS = frozenset({"data"})
"""Settings that have a meaning where images are given."""


def _check_settings(baseline: Setting) -> None:
    for name, field in Setting.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if name not in SETTINGS and getattr(baseline, name) != default:
            raise misfit(
                ("baseline", name),
                "nothing is trained or sampled in this study, so this has no effect: leave it out",
            )


def check_given(baseline: Setting, design: Design, *, interim: bool) -> None:
    """Refuse an item in the baseline, and interim analyses of items.

    Args:
        baseline: The baseline of a study.
        design: The design of the study.
        interim: Whether the study declares interim analyses.

    Raises:
        PydanticCustomError: Of type `misfit`, with the location in the file.
    """
    if baseline.given is not None:
        raise misfit(("baseline", "given"), "items are named by `design: {kind: given, items: ...}`")
    if interim and not design.trains:
        raise misfit(("interim_analyses",), f"`design: {design.kind}` has all its items from the start")


def with_given_seeds(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a study with as many replicates as its longest list of given items has.

    Args:
        fields: Fields of a study, as its file writes them.

    Raises:
        PydanticCustomError: Of type `misfit`: the file states another number.
    """
    design = fields.get("design")
    items = design.get("items") if isinstance(design, Mapping) and design.get("kind") == "given" else None
    if not isinstance(items, Mapping):
        return dict(fields)
    longest = max((len(each) if isinstance(each, list | tuple) else 1 for each in items.values()), default=1)
    if fields.get("seeds", longest) != longest:
        raise misfit(("seeds",), "`design: given` has one replicate for each item: leave `seeds` out")
    return {**fields, "seeds": longest}
