"""Studies of planned runs that no other study uses, because their seeds are drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from sweep.config.keys import sha256_of
from sweep.config.run import EvalConfig, Protocol, TrainConfig
from sweep.diffusion.facts import ScheduleFacts
from sweep.store.records import ArmRecord, NewCell, ScoreRequest
from sweep.store.sql.transaction import Store
from sweep.store.states import Phase
from sweep.store.studies.studies import register_study

PROTOCOL = Protocol(extractor="none", extractor_sha256="0" * 64, reference_sha256="0" * 64, n=2)


def planned_study(store: Store, name: str, *, question: str, arms: Sequence[ArmRecord]) -> int:
    """Register a study without cells.

    Args:
        store: The open database.
        name: Name of the study, new in this store.
        question: What is measured, for whoever finds the study.
        arms: The arms, the baseline among them.

    Returns:
        Row id of the study.
    """
    record = register_study(
        store,
        name,
        question=question,
        spec={"name": name},
        spec_sha256=sha256_of(name),
        arms=arms,
        protocol=PROTOCOL,
        versions={},
    )
    return record.id


def planned_cells(arms: Sequence[ArmRecord], runs: int) -> list[NewCell]:
    """Cells with one run and one score each, spread evenly over arms.

    Args:
        arms: The arms of the cells.
        runs: Number of cells.

    Returns:
        The cells, not yet added to a store.
    """
    first = int(uuid4().hex[:12], 16)
    config = TrainConfig.model_validate({"net": {"kind": "mlp"}, "images": 10_000_000})
    return [
        NewCell(
            arm_name=arms[index % len(arms)].name,
            phase=Phase.CONFIRM,
            replicate=index // len(arms),
            train_config=config.model_copy(update={"seed": first + index}),
            facts=ScheduleFacts(0.0, 0.0, 0.0, 0.0),
            score_requests=[ScoreRequest({}, EvalConfig(), True)],
        )
        for index in range(runs)
    ]
