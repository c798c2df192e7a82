"""What the holder of a lease does while its trial process works: renew the lease, record progress, notice a pause."""

from __future__ import annotations

import time

from sweep.config.study import Study
from sweep.errors import Preempted
from sweep.store.queue.events import add_event
from sweep.store.queue.leases import heartbeat
from sweep.store.queue.progress import forget_artifact
from sweep.store.records import Claim
from sweep.store.sql.transaction import Store
from sweep.store.states import EventKind, StudyState
from sweep.worker.budget import over_budget
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import Damaged, Message, Progressed, Warned
from sweep.worker.options import Timing
from sweep.worker.work import record_progress


class Attempt:
    """One claim while a worker holds it.

    Args:
        store: The store that the work was claimed in.
        claim: The claimed run or score.
        study: The study file, for its budget.
        interrupt: Requests to stop that this process has received.
        timing: How often the lease is renewed, and how long it lasts.
    """

    def __init__(self, store: Store, claim: Claim, study: Study, interrupt: Interrupt, timing: Timing) -> None:
        self._store = store
        self._claim = claim
        self._study = study
        self._interrupt = interrupt
        self._timing = timing
        self._heartbeat_at = time.monotonic()
        self._should_release = False

    def on_message(self, message: Message) -> None:
        """Record a message of the trial process.

        Args:
            message: Points of the curves, a checkpoint, a damaged file or a warning; others are passed over.

        Raises:
            LeaseLost: Another worker holds this work now.
        """
        if isinstance(message, Progressed):
            record_progress(self._store, self._claim, message)
        elif isinstance(message, Damaged):
            forget_artifact(self._store, self._claim, message.path, message.reason)
        elif isinstance(message, Warned):
            study, run = self._claim.study_id, self._claim.run_id
            add_event(self._store, EventKind.WARNING, message.text, study_id=study, run_id=run)

    def on_poll(self) -> bool:
        """Renew the lease when it is due.

        Returns:
            Whether the trial process is to save and stop: the study is paused, cancelled or over its budget, or this
            worker was asked to stop.

        Raises:
            LeaseLost: Another worker holds this work now, or it was cancelled.
            Preempted: The trial process was asked to save, and the time for that is over.
        """
        if self._interrupt.late:
            raise Preempted(
                "the trial process was stopped before it had saved", why="The last recorded checkpoint counts."
            )
        if time.monotonic() - self._heartbeat_at > self._timing.heartbeat:
            state = heartbeat(self._store, self._claim, ttl=self._timing.lease)
            self._should_release = state in (StudyState.PAUSED, StudyState.CANCELLED) or over_budget(
                self._store, self._study, self._claim.study_id
            )
            self._heartbeat_at = time.monotonic()
        return self._should_release or self._interrupt.stop_requested
