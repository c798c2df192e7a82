"""A worker: claim, run, record, until nothing is left to do.

It holds the lease and talks to the store; its trial process does the work. Any number of workers on any machines share
a study through the store alone.
"""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sweep.commands import command
from sweep.config.data import DataConfig
from sweep.design.tuning import Advance, grows
from sweep.errors import ImagesUnavailable, LeaseLost, Preempted, StoreError, StoreMismatch, SweepError
from sweep.search.versions import check_optuna
from sweep.store.queries.views import work_left
from sweep.store.queue.attempts import finish_score, finish_training, pause_training
from sweep.store.queue.leases import claim
from sweep.store.queue.workers import end_worker, expire_dead_local, register_worker, worker_seen
from sweep.store.records import Claim, StudyRecord
from sweep.store.sql.transaction import Store
from sweep.store.stored_config import study_spec
from sweep.worker.attempt import Attempt
from sweep.worker.budget import BUDGET_REACHED, over_budget
from sweep.worker.child import Child
from sweep.worker.failures import settle
from sweep.worker.identity import boot_id, host, is_alive, this_worker
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import Failed, Outcome, Scored, Trained
from sweep.worker.options import WorkerOptions
from sweep.worker.readiness import Readiness
from sweep.worker.trial_process import failure_class
from sweep.worker.work import job_of, label

if TYPE_CHECKING:
    from sweep.search.trial_cache import TrialCache

Say = Callable[[str], None]

# A worker that leaves because the store is away does not wait for it once more to say so.
LAST_WORD_SECONDS = 5.0
MAX_WAITS = 5
# Seconds between two queries for work, of all workers together, while none is found.
LOOK_SHARE = 0.1


class Worker:
    """One worker on one study."""

    def __init__(self, store: Store, study: StudyRecord, options: WorkerOptions) -> None:
        self._interrupt = Interrupt(options.time_limit)
        self._store = replace(store, give_up=lambda: self._interrupt.late)
        self._study = study_spec(study.spec, of=study.name)
        self._study_id = study.id
        self._optuna = study.versions.get("optuna")
        self._options = options
        self._timing = options.timing
        self._child = Child(
            device=options.device,
            threads=options.threads,
            start_method=options.start_method,
            stall=options.timing.stall,
        )
        self._trial_cache: TrialCache | None = None
        self._id = ""

    def work(self, say: Say) -> int:
        """Work until the study has nothing left.

        Returns:
            The exit code: 0, 3 when the budget is spent, 75 when preempted, 130 on Ctrl-C.

        Raises:
            StoreError: the store stayed away for longer than it is waited for.
            StoreMismatch: the study was begun with an Optuna that draws otherwise.
            FileStoreError: no file could be written here for as long as files are waited for.
            ImagesUnavailable: the study's images are not here, or are others.
            SweepError: the trial process cannot be started here.
        """
        if self._optuna is not None:
            check_optuna(self._optuna)
        say = _unfailing(say)
        with self._interrupt:
            try:
                code = self._employed(say)
            except StoreError as away:
                if not self._interrupt.asked or isinstance(away, StoreMismatch):
                    raise
                say(f"leaving without a word to the store, the last recorded checkpoint counts: {away.why}")
                code = 0
            return self._interrupt.exit_code or code

    def _employed(self, say: Say) -> int:
        ready = self._child.start()
        assert ready is not None
        me = this_worker(ready.device, ready.environment)
        register_worker(self._store, me)
        self._id = me.id
        reason = "failed"
        try:
            code = self._loop(say)
            reason = "done"
        finally:
            self._child.close()
            with suppress(StoreError):
                reason = "preempted" if self._interrupt.asked else reason
                end_worker(replace(self._store, patience_seconds=LAST_WORD_SECONDS), me.id, reason)
        return code

    def _loop(self, say: Say) -> int:
        told, waits = "", 0
        ready = Readiness(self._options.files, say, self._study.baseline.data)
        while not self._interrupt.asked:
            self._child.start()  # before the claim: a machine that cannot start one takes no work
            # Workers of this machine that were killed hold leases that nobody renews: take over at once.
            expire_dead_local(self._store, host=host(), boot_id=boot_id(), alive=is_alive)
            if over_budget(self._store, self._study, self._study_id):
                return BUDGET_REACHED
            claimed = None
            if ready.takes_work(self._study.baseline.data):
                claimed = claim(self._store, self._study_id, self._id, ttl=self._timing.lease)
            if claimed is not None:
                waits = 0
                self._attempt(claimed, ready.images, say)
                continue
            now = work_left(self._store, self._study_id)
            self._study = study_spec(now.spec, of=self._study.name)  # it may have been extended meanwhile
            state = now.state
            if state in ("stopped", "cancelled"):
                return 0
            if state == "active":
                advanced = self._advance()
                if advanced is Advance.ADDED:
                    continue
                # Counted before: what ended in between may have made more due.
                if advanced is Advance.NOTHING_DUE and now.nothing:
                    return 0
            if state == "paused" and told != state:
                say(f"the study is paused; next: {command('resume', self._study.name)}")
            told = state
            workers = worker_seen(self._store, self._id)
            # Longer each time, and the more there are: at the end of a study thousands may have nothing to do. Two
            # ask so often that the last scores of a study wait for neither.
            waits = min(waits + 1, MAX_WAITS)
            idle = min(self._timing.idle, LOOK_SHARE * workers)
            self._store.close()  # a server has room for so many connections, and those that wait need none
            self._interrupt.wait(waits * idle * random.uniform(0.5, 1.5))  # noqa: S311 - not secrets
        return 0

    def _advance(self) -> Advance:
        if not grows(self._study):
            return Advance.NOTHING_DUE
        # Optuna takes a while to import, and most studies ask it nothing.
        from sweep.search.scheduler import advance
        from sweep.search.trial_cache import TrialCache

        self._trial_cache = self._trial_cache or TrialCache()
        return advance(self._store, self._study, self._study_id, owner=self._id, cache=self._trial_cache)

    def _attempt(self, claimed: Claim, images: DataConfig, say: Say) -> None:
        """One try at one piece of work. A lost lease ends it without a word to the store: it has another holder."""
        name = label(claimed)
        say(f"{claimed.kind}: {name}")
        try:
            outcome = self._outcome(claimed, images)
            self._record(claimed, outcome)
        except LeaseLost as lost:
            say(f"{claimed.kind}: {name}: {lost.what}")
        else:
            if isinstance(outcome, Failed):
                say(f"{claimed.kind}: {name}: {outcome.failure}: {outcome.reason.splitlines()[0]}")
                if outcome.failure == "no_images":
                    raise _without_images(outcome.reason)

    def _outcome(self, claimed: Claim, images: DataConfig) -> Outcome:
        started = time.monotonic()
        attempt = Attempt(self._store, claimed, self._study, self._interrupt, self._timing)
        try:
            job = job_of(claimed, self._study.cadence, self._options.files, images)
        except Exception as error:  # whatever is wrong with a claim ends its own work, and no worker
            return Failed(failure_class(error), str(error) or type(error).__name__, traceback.format_exc())
        try:
            return self._child.run(job, on_message=attempt.on_message, on_poll=attempt.on_poll)
        except Preempted as late:
            return Failed("preempted", str(late), seconds=time.monotonic() - started)

    def _record(self, claimed: Claim, outcome: Outcome) -> None:
        match outcome:
            case Trained() if outcome.weights.step < claimed.train_config.steps:
                pause_training(self._store, claimed, weights=outcome.weights, seconds=outcome.seconds)
            case Trained():
                finish_training(
                    self._store,
                    claimed,
                    weights=outcome.weights,
                    parameters=outcome.parameters,
                    seconds=outcome.seconds,
                )
            case Scored():
                try:
                    finish_score(self._store, claimed, outcome.result)
                except ValueError as error:  # a number that is none
                    settle(self._store, claimed, Failed("nan", str(error)), self._timing)
            case Failed():
                settle(self._store, claimed, outcome, self._timing)
            case _:
                raise SweepError(f"{outcome!r} is no outcome of {claimed.kind}")


def _unfailing(say: Say) -> Say:
    """Whoever reads the lines may be gone; what is under way is saved all the same."""

    def say_if_heard(text: str) -> None:
        with suppress(OSError, SystemExit):
            say(text)

    return say_if_heard


def _without_images(reason: str) -> ImagesUnavailable:
    what, *rest = reason.splitlines()
    return ImagesUnavailable(what, why=" ".join(rest[:-1]), next="".join(rest[-1:]))
