"""The preparation of a launch: data, feature extractor and reference, made where they are missing."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sweep.api.progress import NOTHING_YET, LaunchProgress, OnProgress
from sweep.api.signals import interruptible
from sweep.config.study import Study
from sweep.errors import DataError, Preempted
from sweep.executors.devices import cores
from sweep.executors.local import Slot
from sweep.files.file_store import FileStore
from sweep.worker.child import Child
from sweep.worker.interrupt import Interrupt
from sweep.worker.messages import Counted, Failed, Message, Prepared
from sweep.worker.orders import PrepareJob

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Preparation:
    """Prepares studies in a process of its own, because the work loads torch.

    Args:
        files: Where extractors and references are stored.
        slot: Device and threads of the process.
        on_progress: Called several times a second.
    """

    files: FileStore
    slot: Slot
    on_progress: OnProgress

    def prepare(self, study: Study) -> Prepared:
        """Make data, extractor and reference of a study ready.

        Args:
            study: The study.

        Returns:
            The protocol with the hashes of what was prepared, and notes on the data.

        Raises:
            DataError: The images cannot be had or used.
            Preempted: A signal asked to stop. Its `exit_code` is 130 after Ctrl-C, else 75.
        """
        child = Child(device=self.slot.device, threads=self.slot.threads)
        try:
            with interruptible() as interrupt:
                observer = _Observer(interrupt, self.on_progress)
                job = PrepareJob(
                    study.baseline.data, study.protocol, self.files, cores(), conditional=study.sees_classes
                )
                outcome = child.run(job, on_message=observer.on_message, on_poll=observer.on_poll)
        finally:
            child.close()
        if isinstance(outcome, Prepared):
            for note in outcome.data_notes:
                logger.info(note)
            return outcome
        assert isinstance(outcome, Failed)
        what, _, rest = outcome.reason.partition("\n")
        why, _, following = rest.partition("\n")
        raise DataError(what, why=why, next=following)


class _Observer:
    """Reports the counts of the process, and ends it on a request to stop."""

    def __init__(self, interrupt: Interrupt, on_progress: OnProgress) -> None:
        self._interrupt = interrupt
        self._on_progress = on_progress
        self._progress = NOTHING_YET

    def on_message(self, message: Message) -> None:
        if isinstance(message, Counted):
            self._progress = LaunchProgress(
                message.what, message.done, message.total, message.unit, is_preparation=True
            )
            self._on_progress(self._progress)

    def on_poll(self) -> bool:
        if self._interrupt.stop_requested:
            stopped = Preempted("stopped while preparing")  # nothing is saved half-way, so the process is ended
            stopped.exit_code = self._interrupt.exit_code
            raise stopped
        self._on_progress(self._progress)
        return False
