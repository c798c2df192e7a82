"""What is done about each class of failure: who tries again, when, and when a failure is final."""

from __future__ import annotations

from collections.abc import Callable

from sweep.store import status
from sweep.store.queue.attempts import fail, release
from sweep.store.queue.leases import MAX_CRASHES
from sweep.store.queue.progress import set_micro_batches
from sweep.store.records import Claim
from sweep.store.sql.transaction import Store
from sweep.store.states import FailureClass, FinalState, StudyState, WorkKind
from sweep.store.studies.control import set_study_state
from sweep.store.studies.retraining import retrain
from sweep.worker.messages import Failed
from sweep.worker.options import Timing

MAX_MICRO_BATCHES = 64
# When so many runs fail with the same error, the study is stopped: the next runs would fail alike.
MAX_SAME_BUGS = 3

Policy = Callable[[Store, Claim, Failed, Timing], None]


def record_failure(store: Store, claim: Claim, failed: Failed, timing: Timing) -> None:
    """Record a failure in the store, and decide whether the work is tried again.

    Args:
        store: The store that the work was claimed in.
        claim: The work that failed.
        failed: The class of the failure, its reason and its traceback.
        timing: How long to wait before the work is tried again.

    Raises:
        LeaseLost: Another worker has the work by now.
    """
    POLICIES[failed.failure](store, claim, failed, timing)


def _preempted(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """No failure: the worker that claims the run next continues from its checkpoint."""
    release(store, claim, FailureClass.PREEMPTED, seconds=failed.seconds)


def _infra(store: Store, claim: Claim, failed: Failed, timing: Timing) -> None:
    """A fault of the machine: tried again later or on another machine. The store counts the tries."""
    detail, delay = _evidence(failed), timing.retry
    fail(
        store, claim, FailureClass.INFRA, failed.reason, final=False, delay=delay, seconds=failed.seconds, detail=detail
    )


def _weights(store: Store, claim: Claim, failed: Failed, timing: Timing) -> None:
    """This machine cannot read the weights, and another may. When no machine can, the run is trained again."""
    final = claim.crashes >= MAX_CRASHES
    if final and retrain(store, claim, failed.reason, seconds=failed.seconds):
        return
    detail, delay = _evidence(failed), timing.retry
    fail(
        store,
        claim,
        FailureClass.WEIGHTS,
        failed.reason,
        final=final,
        delay=delay,
        seconds=failed.seconds,
        detail=detail,
    )


def _disk_full(store: Store, claim: Claim, failed: Failed, timing: Timing) -> None:
    """The last checkpoint is intact. The run waits, and an event asks for space: a person has to make some."""
    release(store, claim, FailureClass.DISK_FULL, delay=timing.disk, seconds=failed.seconds, detail=failed.reason)


def _no_images(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """This machine lacks the images: its worker leaves, and another machine may have them."""
    release(store, claim, FailureClass.NO_IMAGES, seconds=failed.seconds, detail=failed.reason)


def _oom(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """Train the same effective batch in twice as many micro-batches, and record their number with the run."""
    micro_batches = claim.micro_batches * 2
    final = claim.kind == WorkKind.SCORE or micro_batches > min(claim.train_config.batch, MAX_MICRO_BATCHES)
    if not final:
        set_micro_batches(store, claim, micro_batches)
    fail(store, claim, FailureClass.OOM, failed.reason, final=final, seconds=failed.seconds, detail=_evidence(failed))


def _nan(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """A result, not an accident: it is never tried again, and its evidence is stored."""
    state = FinalState.INFEASIBLE if claim.kind == WorkKind.TRAIN else FinalState.FAILED
    fail(
        store,
        claim,
        FailureClass.NAN,
        failed.reason,
        final=True,
        state=state,
        seconds=failed.seconds,
        detail=_evidence(failed),
    )


def _bug(store: Store, claim: Claim, failed: Failed, _timing: Timing) -> None:
    """Never tried again. The same error in several runs stops the study, because the next run would meet it too."""
    fail(store, claim, FailureClass.BUG, failed.reason, final=True, seconds=failed.seconds, detail=_evidence(failed))
    same_bugs = [
        f for f in status(store, claim.study_id).failures if f.failure == FailureClass.BUG and f.reason == failed.reason
    ]
    if len({f.run_id for f in same_bugs}) >= MAX_SAME_BUGS:
        reason = f"{MAX_SAME_BUGS} runs failed with the same error: {failed.reason}"
        set_study_state(store, claim.study_id, StudyState.STOPPED, reason=reason)


def _evidence(failed: Failed) -> dict[str, object]:
    return {"traceback": failed.detail, **({"evidence": dict(failed.evidence)} if failed.evidence else {})}


POLICIES: dict[str, Policy] = {
    FailureClass.PREEMPTED: _preempted,
    FailureClass.INFRA: _infra,
    FailureClass.WEIGHTS: _weights,
    FailureClass.DISK_FULL: _disk_full,
    FailureClass.NO_IMAGES: _no_images,
    FailureClass.OOM: _oom,
    FailureClass.NAN: _nan,
    FailureClass.BUG: _bug,
}
