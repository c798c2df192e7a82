"""The check of a plugin: whether its parts do what the harness relies on, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable

from sweep.config.own_part import OwnPart, own_parts_in
from sweep.config.run import Setting
from sweep.diffusion.facts import ScheduleFacts
from sweep.errors import DataError, SweepError, UsageError
from sweep.files.file_store import FileStore
from sweep.files.plugin_archive import required_source
from sweep.files.trusted_plugins import trusted_plugins
from sweep.planning.feasibility import check_setting
from sweep.plugins.kinds import KINDS
from sweep.plugins.loading import load_source
from sweep.plugins.source import PluginSource
from sweep.worker.broken_part import Broken
from sweep.worker.messages import Checked
from sweep.worker.orders import CheckJob
from sweep.worker.part_contracts import CONTRACTS


def load_plugins_of(parts: Iterable[tuple[str, OwnPart]], files: FileStore) -> None:
    """Load the plugins of parts from the file store.

    Args:
        parts: The parts that a run or a score uses, each with the name of its kind.
        files: File store of the launch.

    Raises:
        DataError: A plugin is missing, another version than that of the run, or not trusted by this user.
    """
    for source in sorted({part.source for _, part in parts}):
        if source not in trusted_plugins():
            raise DataError(
                f"the plugin with hash {source[:16]} is not trusted by this user",
                why="Another user, or another machine with a home of its own, has launched the study.",
                next="sweep worker --study NAME --trust",
            )
        load_source(required_source(files, source))


def try_plugins(job: CheckJob) -> Checked:
    """Load plugins, and try every part of theirs with the settings of the arms that use it.

    Args:
        job: The sources, and the settings of the arms.

    Raises:
        UsageError: A plugin cannot be loaded, or a part of it breaks the contract. The error names the part.
    """
    for source in job.sources:
        _load(source)
    tried: set[str] = set()
    facts: dict[str, ScheduleFacts] = {}
    for arm, setting in job.settings.items():
        for kind, part in own_parts_in(setting):
            if kind in CONTRACTS and (once := f"{kind} {part.model_dump_json()}") not in tried:
                _try_part(kind, part, setting)
                tried.add(once)
        if job.extractor is not None and "feature_extractor" not in tried:
            _try_part("feature_extractor", job.extractor, setting)
            tried.add("feature_extractor")
        known = check_setting(setting, name=arm)
        assert known is not None
        facts[arm] = known
    return Checked(facts)


def _load(source: PluginSource) -> None:
    try:
        load_source(source)
    except SystemExit as error:
        raise UsageError(f"plugin {source} ends the program when it is imported") from error
    except Exception as error:
        raise UsageError(
            f"plugin {source} cannot be imported",
            why=f"{type(error).__name__}: {error}",
            next="Correct the file.",
        ) from error


def _try_part(kind: str, part: OwnPart, setting: Setting) -> None:
    try:
        CONTRACTS[kind](part, setting)
    except SweepError:
        raise
    except (Exception, SystemExit) as error:
        problem = error.explanation if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
        raise UsageError(
            f"{KINDS[kind].label} `{part.part}` of a plugin cannot be used",
            why=problem,
            next="Correct the plugin; sweep docs plugins says what holds.",
        ) from error
