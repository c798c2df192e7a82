"""The files of one training: read the newest checkpoint, upload and record new ones, delete those they replace."""

from __future__ import annotations

import torch

from sweep.errors import CheckpointError, FileStoreError, Preempted
from sweep.files.file_store import FileStore
from sweep.store.records import ArtifactRecord
from sweep.training import checkpoint
from sweep.training.checkpoint import Checkpoint, CheckpointRef
from sweep.worker.messages import Damaged, Progressed, Send, ShouldStop, Warned
from sweep.worker.orders import TrainJob

# Checkpoints of a run that exist at a time, as the store lists them.
MAX_CHECKPOINTS = 2


class RunFiles:
    """The files of a training while one attempt works on it.

    Args:
        job: The training, with the checkpoints that earlier attempts have recorded.
        send: Sends a message to the worker. When it returns, a checkpoint is recorded.
        should_stop: Whether the worker wants this job saved and stopped.
    """

    def __init__(self, job: TrainJob, send: Send, should_stop: ShouldStop) -> None:
        self._job, self._send, self._should_stop = job, send, should_stop
        self._recorded = [record.path for record in reversed(job.checkpoints)]
        self._has_warned = False

    def newest_checkpoint(self, device: torch.device) -> Checkpoint | None:
        """The newest checkpoint whose hash is the recorded one.

        Args:
            device: Device to load it on.

        Returns:
            The checkpoint; None when there is none, and the training starts from step 0.
        """
        for record in self._job.checkpoints:
            try:
                path = self._job.files.fetch(record.path, record.sha256, give_up=self._should_stop)
                return checkpoint.read(CheckpointRef(path, record.sha256, record.step, record.bytes), device=device)
            except CheckpointError as error:
                self._recorded.remove(record.path)
                self._send(Damaged(record.path, error.what))
        return None

    def on_checkpoint(self, ref: CheckpointRef) -> None:
        """Upload and record a checkpoint, then delete those before the last two.

        A recorded checkpoint can be read at any moment, so older ones are deleted only afterwards. A file that cannot
        be deleted causes one warning for each attempt; `sweep gc` deletes it later.

        Args:
            ref: The checkpoint that was written.
        """
        artifact = self.upload("checkpoint", ref)
        self._send(Progressed(ref.step, ref.step * self._job.config.batch, checkpoint=artifact))
        self._recorded.append(artifact.path)
        while len(self._recorded) > MAX_CHECKPOINTS:
            path = self._recorded.pop(0)
            if (reason := self._job.files.remove(path)) and not self._has_warned:
                self._has_warned = True
                self._send(Warned(f"{path}, an old checkpoint, cannot be deleted: {reason}; next: sweep gc"))

    def upload(self, kind: str, ref: CheckpointRef) -> ArtifactRecord:
        """Upload a file, so that the other machines can read it.

        Args:
            kind: WorkKind of the file in the store: `checkpoint`, `weights` or `rung`.
            ref: The file that was written.

        Returns:
            The record of the file for the store.

        Raises:
            FileStoreError: The file store refuses the file, or does not answer.
            Preempted: The worker was asked to stop meanwhile. The last recorded checkpoint counts.
        """
        path = ref.path.relative_to(self._job.files.folder).as_posix()
        upload_file(self._job.files, path, self._should_stop)
        return ArtifactRecord(kind, path, ref.sha256, ref.bytes, ref.step)


def upload_file(files: FileStore, path: str, should_stop: ShouldStop) -> None:
    """Upload a file, so that the other machines can read it.

    Args:
        files: File store that the file was written to.
        path: Path of the file, relative to the file store.
        should_stop: Whether to stop waiting for a file store that does not answer.

    Raises:
        FileStoreError: The file store refuses the file, or does not answer.
        Preempted: The worker was asked to stop meanwhile. The last recorded file counts.
    """
    try:
        files.put(path, give_up=should_stop)
    except FileStoreError as error:
        if should_stop():
            raise Preempted(error.what, why=error.why) from error
        raise
