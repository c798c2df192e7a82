"""Studies with a plugin file, and the check that `sweep plan` runs of it, in this process."""

from __future__ import annotations

from pathlib import Path

from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.planning.arms import arms_of
from sweep.worker.messages import Checked
from sweep.worker.orders import CheckJob
from sweep.worker.plugin_check import try_plugins


def plugin_study(folder: Path, plugin: str | None, *, baseline: str, factors: str = "{}") -> Study:
    """A study in the folder, with the plugin beside it; None for a study without one."""
    data = "" if "data:" in baseline else "data: digits, "
    plugins = "[]" if plugin is None else "[mine.py]"
    if plugin is not None:
        (folder / "mine.py").write_text(plugin)
    (folder / "own.yaml").write_text(
        f"name: own\nquestion: A question?\nplugins: {plugins}\n"
        f"baseline: {{{data}net: mlp_small, images: 320, batch: 32, {baseline}}}\nfactors: {factors}\n"
    )
    return load_study(folder / "own.yaml")


def checked(study: Study) -> Checked:
    """What the check of the study's plugins says."""
    settings = {arm.name: study.setting(arm.changes) for arm in arms_of(study)}
    return try_plugins(CheckJob(study.plugin_sources, settings))
