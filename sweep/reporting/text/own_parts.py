"""The parts of plugins that runs and scores of a study used, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sweep.plugins.kinds import KIND_OF_FIELD, KINDS
from sweep.quantities import quantity
from sweep.reporting.formatting import join_words
from sweep.reporting.frames.frames import StudyFrames


def own_parts_sentence(frames: StudyFrames) -> str:
    """Which parts are of plugins, each with the start of the hash of its source; empty for none.

    Args:
        frames: The tables of the study.
    """
    configs = [*frames.cells["config"], *frames.scores["eval_config"]]
    used = sorted({part for config in configs if isinstance(config, Mapping) for part in _parts(config)})
    if not used:
        return ""
    named = join_words([f"{KINDS[kind].label} {name} (source sha256 {source[:8]})" for kind, name, source in used])
    return f"{quantity(len(used), 'part')} {'is' if len(used) == 1 else 'are'} of our own, from plugins: {named}."


def _parts(config: Mapping[str, object]) -> Iterator[tuple[str, str, str]]:
    """Kind, name and hash of each part of a plugin that a stored config names."""
    for field, kind in KIND_OF_FIELD.items():
        value = config.get(field)
        for each in value if isinstance(value, list | tuple) else [value]:
            whole = each.get("part") if isinstance(each, Mapping) and isinstance(each.get("part"), Mapping) else each
            if isinstance(whole, Mapping) and "source" in whole and "part" in whole:
                yield kind, str(whole["part"]), str(whole["source"])
