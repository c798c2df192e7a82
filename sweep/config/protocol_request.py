"""What a study file asks of its scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from sweep.config.earlier_weights import Shares
from sweep.config.own_part import OwnPart
from sweep.config.run import NoiseSharing
from sweep.config.values import Count, NoTruthForNumbers
from sweep.limits import MAX_LADDER_STEPS, MAX_NOISE_SETS, MAX_SAMPLES

MIN_NOISE_SETS = 3
"""That show how much a score depends on the noise: rare bad images make one set's own error too small."""


class LadderStep(NoTruthForNumbers):
    """A cheaper protocol: fewer images from the same extractor against the same reference."""

    n: int = Field(
        ge=4, le=MAX_SAMPLES, description="Generated images for each noise set; fewer than 4 have no standard error."
    )
    noise_sets: int = Field(1, ge=1, le=MAX_NOISE_SETS, description="How many times N images are drawn.")


def _never_perceptual(value: object) -> object:
    if value in ("perceptual", "random_features"):
        raise ValueError(
            f"found {value!r}, the network of the perceptual term: a training with perceptual_weight would be scored "
            "by what it was trained on; allowed: classifier, inception"
        )
    return value


class ProtocolRequest(NoTruthForNumbers):
    """How scores are made; hashes of extractor and reference are filled in at launch."""

    extractor: Annotated[Literal["classifier", "inception", "own"], BeforeValidator(_never_perceptual)] = Field(
        "classifier", description="classifier: a small net trained once per dataset. inception: as in published FIDs."
    )
    extractor_part: SkipJsonSchema[OwnPart | None] = Field(
        None, exclude_if=lambda part: part is None, description="Feature extractor of a plugin; only for own."
    )
    reference: Literal["train", "test"] = Field("train", description="Real images to compare with.")
    n: Count = Field(
        2000,
        ge=4,
        le=MAX_SAMPLES,
        description="Generated images for each noise set; fewer than 4 have no standard error.",
    )
    noise_sets: int = Field(3, ge=1, le=MAX_NOISE_SETS, description="How many times N images are drawn from each run.")
    noise: NoiseSharing | None = Field(
        None,
        exclude_if=lambda noise: noise is None,
        description="per_seed: all arms are sampled from the same noise, which is another one for each seed. "
        "shared: it is the same for all seeds, as in version 0.1.0. Without it, a new study has per_seed, and a "
        "launched one keeps what it has.",
    )
    along: Shares = Field(
        (),
        exclude_if=lambda shares: not shares,
        description="Also score each run as it was after these shares of its training, e.g. [0.25, 0.5, 1.0].",
    )
    ladder: tuple[LadderStep, ...] = Field(
        (),
        max_length=MAX_LADDER_STEPS,
        description="Of a search: cheaper protocols, cheapest first. The first scores the pruner's first rung, the "
        "next one its next; all score finished trials too, so that the report tells how well each ranks.",
    )

    @model_validator(mode="after")
    def _part_belongs_to_own(self) -> ProtocolRequest:
        if (self.extractor == "own") != (self.extractor_part is not None):
            raise ValueError("`own` is an extractor of a plugin, which a study names by its own name")
        return self

    def with_extractor(self, change: Callable[[OwnPart], OwnPart]) -> ProtocolRequest:
        """The request with another form of its extractor of a plugin; itself where it names none.

        Args:
            change: Returns the other form, such as that with the hashes of its files.
        """
        part = self.extractor_part
        return self if part is None else self.model_copy(update={"extractor_part": change(part)})
