"""The plugins of a study before their code runs: whether a person trusts them, and whether they do what they must."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping

from sweep.config.own_part import own_parts_in
from sweep.config.study import Study
from sweep.diffusion.facts import ScheduleFacts
from sweep.errors import UsageError
from sweep.executors.local import Slot
from sweep.files.file_store import FileStore
from sweep.files.plugin_archive import archive_source, required_source
from sweep.files.trusted_plugins import trust_plugins, trusted_plugins
from sweep.planning.arms import evaluation_levels
from sweep.planning.plan import StudyPlan
from sweep.plugins.source import PluginSource
from sweep.worker.child import Child
from sweep.worker.messages import Checked, Failed
from sweep.worker.orders import CheckJob

logger = logging.getLogger(__name__)

CHECK_SECONDS = 60.0
"""After which a plugin that has not been imported and run counts as hung."""


def check_plugins(plan: StudyPlan, slot: Slot, *, trust: bool, files: FileStore | None = None) -> StudyPlan:
    """Refuse plugins that nobody has said may be run, and those whose parts break the contract.

    A hash that passed is remembered for this user, so that it is asked for once.

    Args:
        plan: The plan of the study.
        slot: Device and threads of the process that runs them.
        trust: Whether the user says now that these plugins may be run.
        files: Where their sources are archived, and read where the study came from a database; None to archive nothing.

    Returns:
        The plan, with what only the code of the plugins can say.

    Raises:
        UsageError: They are not trusted, or cannot be used.
    """
    hashes = source_hashes(plan.study)
    if not hashes:
        return plan
    sources = plan.study.plugin_sources
    if not sources:
        if files is None:
            raise UsageError("the sources of this study's plugins are not here", next="Give the path of its file.")
        sources = tuple(required_source(files, sha256) for sha256 in sorted(hashes))
    if not trust and (unknown := [source for source in sources if source.sha256 not in trusted_plugins()]):
        raise UsageError(
            f"this study has plugins that you have not trusted: {', '.join(map(_described, unknown))}",
            why="Their code would run on this machine and on every worker. Nothing of it was run yet.",
            next="Read these files; then give the same command again with --trust (trust=True in Python).",
        )
    facts = _facts_of_check(plan, sources, slot)
    trust_plugins(source.sha256 for source in sources)
    offered = [f"{kind} {name}" for kind, own in plan.study.baseline.own_parts.items() for name in own]
    logger.info(f"plugins: {', '.join(map(_described, sources))}: {', '.join(offered)}")
    if files is not None:
        for source in sources:
            archive_source(files, source)
    return plan.with_facts(facts)


def source_hashes(study: Study) -> set[str]:
    """Hashes of the sources of a study's plugins."""
    return {part.source for own in study.baseline.own_parts.values() for part in own.values()}


def _described(source: PluginSource) -> str:
    return f"{source} ({source.sha256[:16]})"


def _facts_of_check(plan: StudyPlan, sources: tuple[PluginSource, ...], slot: Slot) -> Mapping[str, ScheduleFacts]:
    """Facts of the schedule of each arm that uses a part of a plugin, from a process that has tried these parts."""
    settings = {arm.name: plan.study.setting(arm.changes) for arm in plan.arms}
    for number, changes in enumerate(evaluation_levels(plan.study)[1:], 1):
        settings[f"evaluation level {number}"] = plan.study.setting(changes)
    extractor = plan.study.protocol.extractor_part
    if extractor is None:
        settings = {name: setting for name, setting in settings.items() if own_parts_in(setting)}
    child = Child(device="cpu", threads=slot.threads, stall=CHECK_SECONDS)
    try:
        job = CheckJob(sources, settings, extractor)
        outcome = child.run(job, on_message=lambda _: None, on_poll=lambda: False)
    finally:
        child.close()
    if isinstance(outcome, Checked):
        return outcome.facts
    reason = outcome.reason if isinstance(outcome, Failed) else ""
    if "sent no message" in reason:
        raise UsageError(
            f"plugins {', '.join(source.name for source in sources)} did not finish within {CHECK_SECONDS:.0f} s",
            why="Importing them, or running one of their parts once, takes for ever.",
            next="Correct the plugin.",
        )
    what, *rest = reason.splitlines() or ["the plugins cannot be used"]
    raise UsageError(what, why=" ".join(rest[:-1]), next=rest[-1] if rest else "")


def require_trust(hashes: Iterable[str], *, trust: bool) -> None:
    """Refuse archived plugins that this user does not trust.

    Args:
        hashes: Hashes of their sources.
        trust: Whether the user says now that they may be run.

    Raises:
        UsageError: They are not trusted.
    """
    if trust:
        trust_plugins(hashes)
    elif unknown := sorted(set(hashes) - trusted_plugins()):
        raise UsageError(
            f"this work uses plugins that you have not trusted here: {', '.join(unknown)}",
            why="Their code would run on this machine. It is archived with the files of the study, under plugins/.",
            next="Read it; then give the same command again with --trust.",
        )
