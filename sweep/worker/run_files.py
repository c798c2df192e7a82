"""The files of one training: read the newest checkpoint, send and record new ones, delete those that they replace."""

from __future__ import annotations

import torch

from sweep.errors import CheckpointError, FileStoreError, Preempted
from sweep.files.file_store import FileStore
from sweep.store.records import ArtifactRecord
from sweep.training import checkpoint
from sweep.training.checkpoint import Checkpoint, CheckpointRef
from sweep.worker.messages import Damaged, Progressed, Send, ShouldStop, TrainJob, Warned

# Checkpoints of a run at a time, as the store lists them.
KEPT = 2


class RunFiles:
    """Files of a training while one attempt works on it.

    Args:
        job: What is trained, with the checkpoints that earlier attempts have recorded.
        send: Tells the worker. A checkpoint is recorded when it returns.
        should_stop: Whether the worker wants this job saved and stopped.
    """

    def __init__(self, job: TrainJob, send: Send, should_stop: ShouldStop) -> None:
        self._job, self._send, self._should_stop = job, send, should_stop
        self._recorded = [found.path for found in reversed(job.checkpoints)]
        self._has_warned = False

    def newest_checkpoint(self, device: torch.device) -> Checkpoint | None:
        """The newest checkpoint whose bytes are what was recorded; None means from the start."""
        for found in self._job.checkpoints:
            try:
                path = self._job.files.fetch(found.path, found.sha256, give_up=self._should_stop)
                return checkpoint.read(CheckpointRef(path, found.sha256, found.step, found.bytes), device=device)
            except CheckpointError as error:
                self._recorded.remove(found.path)
                self._send(Damaged(found.path, error.what))
        return None

    def saved(self, ref: CheckpointRef) -> None:
        """Send and record a checkpoint; then delete those before the last two.

        Whatever is recorded can be read at any moment, so nothing older goes before. What cannot be deleted costs a
        warning in the log, once an attempt: `sweep gc` finds it.
        """
        artifact = self.sent("checkpoint", ref)
        self._send(Progressed(ref.step, ref.step * self._job.config.batch, checkpoint=artifact))
        self._recorded.append(artifact.path)
        while len(self._recorded) > KEPT:
            path = self._recorded.pop(0)
            if (reason := self._job.files.remove(path)) and not self._has_warned:
                self._has_warned = True
                self._send(Warned(f"old checkpoints stay, {path} cannot be deleted: {reason}; next: sweep gc"))

    def sent(self, kind: str, ref: CheckpointRef) -> ArtifactRecord:
        """Send a file to the other machines, and return what to record of it.

        Raises:
            FileStoreError: The store of files refuses it, or does not answer.
            Preempted: Asked to stop meanwhile; the last file that is recorded counts.
        """
        path = ref.path.relative_to(self._job.files.folder).as_posix()
        send_file(self._job.files, path, self._should_stop)
        return ArtifactRecord(kind, path, ref.sha256, ref.bytes, ref.step)


def send_file(files: FileStore, path: str, should_stop: ShouldStop) -> None:
    """Send a file to the other machines.

    Args:
        files: Where it lies.
        path: Relative to `files`.
        should_stop: Whether to give up waiting for a store that does not answer.

    Raises:
        FileStoreError: The store of files refuses it, or does not answer.
        Preempted: Asked to stop meanwhile; the last file that is recorded counts.
    """
    try:
        files.put(path, give_up=should_stop)
    except FileStoreError as error:
        if should_stop():
            raise Preempted(error.what, why=error.why) from error
        raise
