"""What the holder of a lease does while its trial process works: renew, record, and hear of a pause."""

from __future__ import annotations

import time

from sweep.config.study import Study
from sweep.errors import Preempted
from sweep.store.queue.events import add_event
from sweep.store.queue.leases import heartbeat
from sweep.store.queue.progress import forget_artifact
from sweep.store.records import Claim
from sweep.store.sql.transaction import Store
from sweep.worker.budget import over_budget
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import Damaged, Message, Progressed, Warned
from sweep.worker.options import Timing
from sweep.worker.work import record_progress


class Attempt:
    """One claim while it is held."""

    def __init__(self, store: Store, claimed: Claim, study: Study, interrupt: Interrupt, timing: Timing) -> None:
        self._store = store
        self._claimed = claimed
        self._study = study
        self._interrupt = interrupt
        self._timing = timing
        self._beat_at = time.monotonic()
        self._give_back = False

    def on_message(self, message: Message) -> None:
        """Record what the trial process tells.

        Raises:
            LeaseLost: another worker holds this work now.
        """
        if isinstance(message, Progressed):
            record_progress(self._store, self._claimed, message)
        elif isinstance(message, Damaged):
            forget_artifact(self._store, self._claimed, message.path, message.reason)
        elif isinstance(message, Warned):
            study, run = self._claimed.study_id, self._claimed.run_id
            add_event(self._store, "warning", message.text, study_id=study, run_id=run)

    def on_poll(self) -> bool:
        """Renew the lease when it is time; whether to save and stop.

        Raises:
            LeaseLost: another worker holds this work now, or it was cancelled.
            Preempted: the trial process was asked to save and had its time.
        """
        if self._interrupt.late:
            raise Preempted("stopped before it had saved", why="the last recorded checkpoint counts")
        if time.monotonic() - self._beat_at > self._timing.heartbeat:
            state = heartbeat(self._store, self._claimed, ttl=self._timing.lease)
            self._give_back = state in ("paused", "cancelled") or over_budget(
                self._store, self._study, self._claimed.study_id
            )
            self._beat_at = time.monotonic()
        return self._give_back or self._interrupt.asked
