"""Whether a machine has what the work of a study needs: without it run after run would fail there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sweep.config.data import DataConfig
from sweep.data.listing import printable
from sweep.errors import FileStoreError, ImagesUnavailable, SweepError
from sweep.files.file_store import FileStore


@dataclass
class Readiness:
    """Remembers since when a machine takes no work, and where it has the images.

    Args:
        files: Where checkpoints, features and grids lie.
        say: Called once with the reason when no work is claimed.
        images: Of the study, where they were last seen here.
    """

    files: FileStore
    say: Callable[[str], None]
    images: DataConfig
    _unready_since: float | None = None

    def takes_work(self, data: DataConfig) -> bool:
        """Whether to claim work now.

        Args:
            data: As the study's newest revision has it. Machines may have the same images in different folders, so
                where it says that they lie counts only where they lie there.

        Raises:
            FileStoreError: no file could be written here for as long as files are waited for.
            ImagesUnavailable: nor was the folder of images here.
        """
        if _is_here(data) or self.images.lies_at(data) != data:
            self.images = data
        why = self._why_not()
        if why is None:
            self._unready_since = None
            return True
        now = time.monotonic()
        if self._unready_since is None:
            self._unready_since = now
            self.say(f"this worker is not claiming work: {why.why}")
        if now - self._unready_since > self.files.patience_seconds:
            raise why
        return False

    def _why_not(self) -> SweepError | None:
        refusal = self.files.refuses()
        if refusal:
            return FileStoreError("this machine can write no files", why=refusal, next="Give --files FOLDER or URL.")
        path = self.images.path
        if path is not None and not _is_here(self.images):
            return ImagesUnavailable(
                "this machine lacks the images of the study",
                why=f"there is no folder {printable(path)} on this machine{_began(path)}",
                next="Mount or copy it there, or start the worker where it is.",
            )
        return None


def _is_here(data: DataConfig) -> bool:
    return data.path is None or Path(data.path).is_dir()


def _began(path: str) -> str:
    return "" if Path(path).is_absolute() else f": a relative path, and this is {Path.cwd()}"
