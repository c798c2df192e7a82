"""A worker: it claims work, has it done, and records the result, until nothing is left to do.

It holds the lease and talks to the store; its trial process does the work. Any number of workers on any machines share
a study, and they communicate through the store only. Lines of progress go to the module's logger.
"""

from __future__ import annotations

import logging
import random
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from sweep.commands import command
from sweep.config.data import DataConfig
from sweep.errors import ImagesUnavailable, LeaseLost, Preempted, StoreError, StoreMismatch, SweepError
from sweep.search.scheduling_result import SchedulingResult
from sweep.search.versions import check_optuna
from sweep.store.queries.views import work_left
from sweep.store.queue.claim import claim
from sweep.store.queue.completion import finish_score, finish_training, pause_training
from sweep.store.queue.workers import end_worker, expire_dead_local, register_worker, worker_seen
from sweep.store.records import Claim, StudyRecord
from sweep.store.sql.transaction import Store
from sweep.store.states import FailureClass, StudyState, WorkerEnd
from sweep.store.stored_config import study_spec
from sweep.worker.attempt import Attempt
from sweep.worker.budget import BUDGET_REACHED, over_budget
from sweep.worker.child import Child
from sweep.worker.failures import record_failure
from sweep.worker.identity import boot_id, host, is_alive, this_worker
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import Failed, Outcome, Scored, Trained
from sweep.worker.options import WorkerOptions
from sweep.worker.readiness import Readiness
from sweep.worker.trial_process import failure_class
from sweep.worker.work import job_of, label

if TYPE_CHECKING:
    from sweep.search.trial_cache import TrialCache

logger = logging.getLogger(__name__)

# A worker that leaves because the store does not answer records its end only if that takes no longer.
END_RECORD_SECONDS = 5.0
MAX_WAITS = 5
# While there is no work: seconds between two queries of any workers of the study, whatever their number.
QUERY_SECONDS = 0.1


class Worker:
    """One worker on one study.

    Args:
        store: The store that holds the study.
        study: The study as the store has it.
        options: Device, threads, file store and time limits.
    """

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

    def work(self) -> int:
        """Work until the study has nothing left.

        Returns:
            The exit code: 0, 3 when the budget is spent, 75 when preempted, 130 on Ctrl-C.

        Raises:
            StoreError: The store did not answer for longer than its patience.
            StoreMismatch: The study was begun with a version of Optuna that makes other suggestions.
            FileStoreError: This machine could not write files for longer than the file store's patience.
            ImagesUnavailable: This machine lacks the study's images, or has other images in their folder.
            SweepError: The trial process cannot be started on this machine.
        """
        if self._optuna is not None:
            check_optuna(self._optuna)
        with self._interrupt:
            try:
                code = self._run_registered()
            except StoreError as error:
                if not self._interrupt.stop_requested or isinstance(error, StoreMismatch):
                    raise
                logger.info(
                    "the worker stops and cannot record that in the store; the last recorded checkpoint counts: %s",
                    error.why,
                )
                code = 0
            return self._interrupt.exit_code or code

    def _run_registered(self) -> int:
        ready = self._child.start()
        assert ready is not None
        record = this_worker(ready.device, ready.environment)
        register_worker(self._store, record)
        self._id = record.id
        end = WorkerEnd.FAILED
        try:
            code = self._loop()
            end = WorkerEnd.DONE
        finally:
            self._child.close()
            with suppress(StoreError):
                end = WorkerEnd.PREEMPTED if self._interrupt.stop_requested else end
                end_worker(replace(self._store, patience_seconds=END_RECORD_SECONDS), record.id, end)
        return code

    def _loop(self) -> int:
        readiness = Readiness(self._options.files, self._study.baseline.data)
        last_state, waits = "", 0
        while not self._interrupt.stop_requested:
            self._child.start()  # before the claim: a machine that cannot start one must not hold work
            # Workers of this machine that were killed hold leases that nobody renews: end these at once.
            expire_dead_local(self._store, host=host(), boot_id=boot_id(), alive=is_alive)
            if over_budget(self._store, self._study, self._study_id):
                return BUDGET_REACHED
            if readiness.takes_work(self._study.baseline.data):
                claimed = claim(self._store, self._study_id, self._id, ttl=self._timing.lease)
                if claimed is not None:
                    waits = 0
                    self._attempt(claimed, readiness.images)
                    continue
            left = work_left(self._store, self._study_id)
            self._study = study_spec(left.spec, of=self._study.name)  # it may have been extended meanwhile
            advanced = self._advance() if left.state == StudyState.ACTIVE else None
            if advanced is SchedulingResult.ADDED:
                continue
            # `left` was counted before `advance`: work that ended in between may have made more due.
            if left.state in (StudyState.STOPPED, StudyState.CANCELLED) or (
                advanced is SchedulingResult.NOTHING_DUE and left.nothing
            ):
                return 0
            if left.state == StudyState.PAUSED != last_state:
                logger.info("the study is paused; next: %s", command("resume", self._study.name))
            last_state = left.state
            waits = min(waits + 1, MAX_WAITS)
            self._wait(waits)
        return 0

    def _wait(self, waits: int) -> None:
        """Wait before the next query for work: longer each time, and the longer the more workers there are.

        At the end of a study thousands of workers may wait. Two workers query often enough that neither is late for
        the last scores.
        """
        workers = worker_seen(self._store, self._id)
        idle = min(self._timing.idle, QUERY_SECONDS * workers)
        self._store.close()  # a server has a limited number of connections, and a waiting worker needs none
        self._interrupt.wait(waits * idle * random.uniform(0.5, 1.5))  # noqa: S311 - not secrets

    def _advance(self) -> SchedulingResult:
        if not self._study.grows:
            return SchedulingResult.NOTHING_DUE
        # Optuna takes a while to import, and most studies do not use it.
        from sweep.search.scheduler import advance
        from sweep.search.trial_cache import TrialCache

        self._trial_cache = self._trial_cache or TrialCache()
        return advance(self._store, self._study, self._study_id, owner=self._id, cache=self._trial_cache)

    def _attempt(self, claimed: Claim, images: DataConfig) -> None:
        """Do the claimed work once. After a lost lease nothing is recorded: another worker holds the work."""
        name = f"{claimed.kind}: {label(claimed)}"
        logger.info("%s", name)
        try:
            outcome = self._outcome(claimed, images)
            self._record(claimed, outcome)
        except LeaseLost as lost:
            logger.info("%s: %s", name, lost.what)
        else:
            if isinstance(outcome, Failed):
                logger.info("%s: %s: %s", name, outcome.failure, outcome.reason.splitlines()[0])
                if outcome.failure == FailureClass.NO_IMAGES:
                    raise _without_images(outcome.reason)

    def _outcome(self, claimed: Claim, images: DataConfig) -> Outcome:
        started = time.monotonic()
        attempt = Attempt(self._store, claimed, self._study, self._interrupt, self._timing)
        try:
            job = job_of(claimed, self._study.cadence, self._options.files, images)
        except Exception as error:  # a faulty claim ends its own work, not the worker
            return Failed(failure_class(error), str(error) or type(error).__name__, traceback.format_exc())
        try:
            return self._child.run(job, on_message=attempt.on_message, on_poll=attempt.on_poll)
        except Preempted as late:
            return Failed(FailureClass.PREEMPTED, str(late), seconds=time.monotonic() - started)

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
                    facts=outcome.facts,
                )
            case Scored():
                try:
                    finish_score(self._store, claimed, outcome.result)
                except ValueError as error:  # a number that is not finite
                    record_failure(self._store, claimed, Failed(FailureClass.NAN, str(error)), self._timing)
            case Failed():
                record_failure(self._store, claimed, outcome, self._timing)
            case _:
                raise SweepError(f"{outcome!r} is not an outcome of the job {claimed.kind}")


def _without_images(reason: str) -> ImagesUnavailable:
    what, *rest = reason.splitlines()
    return ImagesUnavailable(what, why=" ".join(rest[:-1]), next="".join(rest[-1:]))
