"""Given items of a study, archived before anything is scored."""

from __future__ import annotations

from sweep.config.designs.given import Given
from sweep.config.run import TrainConfig
from sweep.config.study import Study
from sweep.data.given_items import archive_item
from sweep.errors import UsageError
from sweep.files.file_store import FileStore


def archive_given_items(study: Study, files: FileStore) -> None:
    """Put the content of every given item into the file store, where workers read it.

    Args:
        study: The study, its items pinned.
        files: The file store.

    Raises:
        DataError: An item has changed since it was pinned.
        FileStoreError: The files cannot be reached.
    """
    if isinstance(study.design, Given):
        for items in study.design.items.values():
            for item in items:
                archive_item(files, item)


def item_rows(study: Study) -> list[tuple[str, str]]:
    """Each arm of a study with its given items, one a line; empty where the study trains.

    Args:
        study: The study.
    """
    if not isinstance(study.design, Given):
        return []
    return [(arm, "\n".join(item.path for item in items)) for arm, items in study.design.items.items()]


def refuse_given(config: TrainConfig, what: str) -> None:
    """Refuse a run that was given, where a training is needed.

    Args:
        config: Config of the run.
        what: Name of the run in the message.

    Raises:
        UsageError: Nothing was trained.
    """
    if config.given is not None:
        raise UsageError(
            f"{what} was not trained here",
            why=f"It is the given item {config.given.path} (sha256 {str(config.given.sha256)[:16]}).",
            next="Its images are at that path, and as an array among the files of the launch: given/SHA256.npy.",
        )
