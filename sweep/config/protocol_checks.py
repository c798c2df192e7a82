"""Whether what a study asks of its scores fits its design."""

from __future__ import annotations

from sweep.config.designs.base import Design
from sweep.config.problems import misfit
from sweep.config.protocol_request import ProtocolRequest
from sweep.config.run import Setting

SHARES_INSTEAD = "write `protocol: {along: [0.25, 0.5, 1.0]}`"


def check_protocol(protocol: ProtocolRequest, baseline: Setting, design: Design) -> None:
    """Refuse a ladder without a search, and earlier weights where there is no training or in place of its end.

    Args:
        protocol: What the study asks of its scores.
        baseline: The baseline of the study.
        design: The design of the study.

    Raises:
        PydanticCustomError: Of type `misfit`, with the place in the file.
    """
    at = ("protocol", "ladder")
    if protocol.ladder and not design.arms_are_trials:
        raise misfit(at, f"a ladder of protocols belongs to `design: search`, not `{design.kind}`")
    sizes = [step.n for step in protocol.ladder] + [protocol.n]
    if sizes != sorted(set(sizes)):
        raise misfit(at, f"its n must ascend and end below the reporting n = {protocol.n}")
    if protocol.along and not design.trains:
        raise misfit(("protocol", "along"), "nothing is trained in this study: leave it out")
    if baseline.training_share < 1.0:
        raise misfit(
            ("baseline", "training_share"),
            f"the end of the training decides; to score earlier weights, {SHARES_INSTEAD}",
        )
