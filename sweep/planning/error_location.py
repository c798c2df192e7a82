"""Where in a study file a setting that makes no sense was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sweep.config.factors import Changes
from sweep.config.study import Study
from sweep.config.yaml_file import Location, Origin, YamlFile
from sweep.errors import InfeasibleConfig, UsageError
from sweep.planning.feasibility import check_setting


@contextmanager
def met_at(changes: Changes) -> Iterator[None]:
    """Remembers in what differs from the baseline a setting was refused."""
    try:
        yield
    except UsageError as error:
        raise InfeasibleConfig(error.what, why=error.why, next=error.next, changes=changes) from None


def origin_of(error: UsageError, study: Study, file: YamlFile) -> Origin | None:
    """Origin of the level that is to blame: one that is refused alone, or the first that the setting takes.

    The baseline's origin where it takes none.
    The design's origin for an error that is not about one setting, or that of the factors where no design is written.
    None where the file leaves to its defaults what is to blame.

    Args:
        error: What was refused.
        study: The study, as read from its file.
        file: The file that the study was read from.
    """
    changes = getattr(error, "changes", None)
    if changes is None:
        return file.origin_of(("design",)) or file.origin_of(("factors",))
    taken = [(at, level) for at, level in _levels(study) if level.items() <= changes.items()]
    alone = (at for at, level in taken if _refused(study, level))
    return file.origin_of(next(alone, taken[0][0] if taken else ("baseline",)))


def _refused(study: Study, changes: Changes) -> bool:
    try:
        check_setting(study.setting(changes), name="")
    except UsageError:
        return True
    return False


def _levels(study: Study) -> Iterator[tuple[Location, Changes]]:
    """Every level by its place in the file; a level that says what the baseline says sets nothing."""
    for name, factor in study.factors.items():
        listed = isinstance(factor.levels, list)
        for index, (label, changes) in enumerate(study.levels_of(name).items()):
            if study.setting(changes) != study.baseline:
                yield ("factors", name, "levels", index if listed else label), changes
