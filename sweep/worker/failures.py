"""What is done about each class of failure."""

from __future__ import annotations

from collections.abc import Callable

from sweep.store import status
from sweep.store.queries.disks import DISK_FULL
from sweep.store.queue.attempts import fail, release
from sweep.store.queue.leases import MAX_CRASHES
from sweep.store.queue.progress import set_micro_batches
from sweep.store.records import Claim, FinalState
from sweep.store.sql.transaction import Store
from sweep.store.studies.control import set_study_state
from sweep.store.studies.retraining import retrain
from sweep.worker.messages import Failed
from sweep.worker.options import Timing

MAX_MICRO_BATCHES = 64
# Runs that may fail with one and the same error before the study is called broken rather than unlucky.
SAME_BUGS = 3

Policy = Callable[[Store, Claim, Failed, Timing], None]


def settle(store: Store, claim: Claim, failed: Failed, timing: Timing) -> None:
    """Record a failure and decide what becomes of the work.

    Raises:
        LeaseLost: somebody else has the work by now.
    """
    POLICIES[failed.failure](store, claim, failed, timing)


def preempted(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """Not a failure: the next taker continues from the checkpoint."""
    release(store, claim, "preempted", seconds=failed.seconds)


def infra(store: Store, claim: Claim, failed: Failed, timing: Timing) -> None:
    """The machine's fault: elsewhere or later. The store counts the tries."""
    fail(
        store, claim, "infra", failed.reason, final=False, delay=timing.retry,
        seconds=failed.seconds, detail=_evidence(failed),
    )  # fmt: skip


def weights(store: Store, claim: Claim, failed: Failed, timing: Timing) -> None:
    """The weights cannot be read here: another machine may have them; after its tries the run is trained again."""
    final = claim.crashes >= MAX_CRASHES
    if final and retrain(store, claim, failed.reason, seconds=failed.seconds):
        return
    fail(
        store, claim, "weights", failed.reason, final=final, delay=timing.retry,
        seconds=failed.seconds, detail=_evidence(failed),
    )  # fmt: skip


def disk_full(store: Store, claim: Claim, failed: Failed, timing: Timing) -> None:
    """The last checkpoint is intact; wait for room, and tell of it: somebody has to make some."""
    release(store, claim, DISK_FULL, delay=timing.disk, seconds=failed.seconds, detail=failed.reason)


def no_images(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """This machine lacks the images: its worker leaves, and another machine may have them."""
    release(store, claim, "no_images", seconds=failed.seconds, detail=failed.reason)


def oom(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """The same effective batch in twice as many slices; it is recorded with the run."""
    sliced = claim.micro_batches * 2
    final = claim.kind == "score" or sliced > min(claim.train_config.batch, MAX_MICRO_BATCHES)
    if not final:
        set_micro_batches(store, claim, sliced)
    fail(store, claim, "oom", failed.reason, final=final, seconds=failed.seconds, detail=_evidence(failed))


def nan(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """A result, not an accident: never retried, the evidence kept."""
    state: FinalState = "infeasible" if claim.kind == "train" else "failed"
    fail(store, claim, "nan", failed.reason, final=True, state=state, seconds=failed.seconds, detail=_evidence(failed))


def bug(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """Never retried; the same one several times stops the study, because the next run would meet it too."""
    fail(store, claim, "bug", failed.reason, final=True, seconds=failed.seconds, detail=_evidence(failed))
    alike = [f for f in status(store, claim.study_id).failures if f.failure == "bug" and f.reason == failed.reason]
    if len({f.run_id for f in alike}) >= SAME_BUGS:
        set_study_state(store, claim.study_id, "stopped", reason=f"{SAME_BUGS} runs failed alike: {failed.reason}")


def _evidence(failed: Failed) -> dict[str, object]:
    return {"traceback": failed.detail, **({"evidence": dict(failed.evidence)} if failed.evidence else {})}


POLICIES: dict[str, Policy] = {
    "preempted": preempted,
    "infra": infra,
    "weights": weights,
    "disk_full": disk_full,
    "no_images": no_images,
    "oom": oom,
    "nan": nan,
    "bug": bug,
}
