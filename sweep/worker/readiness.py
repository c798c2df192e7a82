"""Whether a machine has what the work of a study needs. Without it run after run would fail there."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

from sweep.config.data import DataConfig
from sweep.data.left_out import escaped
from sweep.errors import FileStoreError, ImagesUnavailable, SweepError
from sweep.files.file_store import FileStore

logger = logging.getLogger(__name__)


@dataclass
class Readiness:
    """Records since when a machine cannot work, and where it has the images.

    The reason is logged once when the worker stops claiming work.

    Args:
        files: File store of checkpoints, features and grids.
        images: The images of the study, at the folder where this machine last had them.
    """

    files: FileStore
    images: DataConfig
    _unready_since: float | None = None

    def takes_work(self, data: DataConfig) -> bool:
        """Whether to claim work now.

        Args:
            data: The images of the study's newest revision. Machines may have the same images in different folders, so
                its folder is used only on machines where it exists.

        Raises:
            FileStoreError: This machine could not write files for longer than the file store's patience.
            ImagesUnavailable: The folder of images was missing for that time.
        """
        if _has_images(data) or self.images.lies_at(data) != data:
            self.images = data
        why = self._why_not()
        if why is None:
            self._unready_since = None
            return True
        now = time.monotonic()
        if self._unready_since is None:
            self._unready_since = now
            logger.info("this worker is not claiming work: %s", why.why)
        if now - self._unready_since > self.files.patience_seconds:
            raise why
        return False

    def _why_not(self) -> SweepError | None:
        refusal = self.files.refuses()
        if refusal:
            return FileStoreError(
                "this machine cannot write to the file store", why=refusal, next="Give --files FOLDER or URL."
            )
        path = self.images.path
        if path is not None and not _has_images(self.images):
            return ImagesUnavailable(
                "this machine lacks the images of the study",
                why=f"there is no {escaped(path)} on this machine{_relative_path_note(path)}",
                next="Mount or copy it there, or start the worker on a machine that has it.",
            )
        return None


def _has_images(data: DataConfig) -> bool:
    return data.path is None or Path(data.path).exists()


def _relative_path_note(path: str) -> str:
    return "" if Path(path).is_absolute() else f": the path is relative to the working folder, which is {Path.cwd()}"
