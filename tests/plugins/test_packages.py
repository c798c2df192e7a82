"""Plugins that are modules of a package, or an installed distribution: read without importing anything."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sweep.config.keys import train_key
from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.errors import StudyFileError
from sweep.plugins.loading import load_source, part_named
from sweep.plugins.source import source_from

PARTS = """
from sweep.plugins import schedule
from .curves import betas
from our_parts.curves import constants as numbers
import our_parts.other as other

@schedule("ours")
def ours(T: int, *, last: float = 0.02):
    return betas(T, last * numbers.FACTOR * other.ONE)
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An importable package, whose modules say so if they are imported by Python itself."""
    folder = tmp_path / "site/our_parts"
    (folder / "curves").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise SystemExit('the package was imported')\n")
    (folder / "diffusion.py").write_text(PARTS)
    (folder / "curves/__init__.py").write_text(
        "import numpy as np\ndef betas(T, last):\n    return np.linspace(1e-4, last, T)\n"
    )
    (folder / "curves/constants.py").write_text("FACTOR = 1.0\n")
    (folder / "other.py").write_text("ONE = 1.0\n")
    (folder / "unused.py").write_text("raise SystemExit('not needed')\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def study_of(folder: Path, plugin: str) -> Study:
    text = f"name: own\nquestion: A question?\nplugins: [{plugin}]\nbaseline: {{net: mlp_small, schedule: ours}}\n"
    (folder / "own.yaml").write_text(text)
    return load_study(folder / "own.yaml")


def key(study: Study) -> str:
    return train_key(study.baseline.train_config(seed=0, ema_decays=()))


def test_a_module_of_a_package_is_read_with_what_it_imports_and_nothing_is_imported(tmp_path, package):
    source = study_of(tmp_path, "our_parts.diffusion").plugin_sources[0]
    modules = ["our_parts.curves", "our_parts.curves.constants", "our_parts.other", "our_parts.diffusion"]
    assert sorted(source.modules) == sorted(modules)
    assert list(source.modules)[-1] == "our_parts.diffusion"
    assert str(source) == "our_parts.diffusion"
    assert not any(name.split(".")[0] == "our_parts" for name in sys.modules)


def test_it_is_loaded_from_its_archive_without_the_package(tmp_path, package):
    study = study_of(tmp_path, "our_parts.diffusion")
    source = source_from(study.plugin_sources[0].as_text(), study.plugin_sources[0].sha256)
    for file in package.rglob("*.py"):
        file.unlink()
    load_source(source)
    assert part_named(source.sha256, "schedule", "ours")(4)[-1] == pytest.approx(0.02)
    assert not any(name.split(".")[0] == "our_parts" for name in sys.modules)


@pytest.mark.parametrize("module", ["curves/__init__.py", "curves/constants.py", "other.py"])
def test_each_module_that_it_needs_is_part_of_the_identity(tmp_path, package, module):
    before = key(study_of(tmp_path, "our_parts.diffusion"))
    file = package / module
    file.write_text(file.read_text() + "# a comment\n")
    assert key(study_of(tmp_path, "our_parts.diffusion")) == before
    file.write_text(file.read_text() + "CHANGED = 1\n")
    assert key(study_of(tmp_path, "our_parts.diffusion")) != before


def test_a_module_that_it_does_not_need_is_not(tmp_path, package):
    before = key(study_of(tmp_path, "our_parts.diffusion"))
    (package / "unused.py").write_text("CHANGED = 1\n")
    assert key(study_of(tmp_path, "our_parts.diffusion")) == before


def test_a_distribution_names_its_modules_by_entry_points(tmp_path, package):
    info = package.parent / "our_distribution-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: our-distribution\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sweep.plugins]\nparts = our_parts.diffusion\n")
    by_distribution = study_of(tmp_path, "our-distribution")
    assert key(by_distribution) == key(study_of(tmp_path, "our_parts.diffusion"))
    (info / "entry_points.txt").write_text("[console_scripts]\nours = our_parts.diffusion:main\n")
    with pytest.raises(StudyFileError, match=r"line 3: .*'our-distribution' offers no plugins"):
        study_of(tmp_path, "our-distribution")


@pytest.mark.parametrize(
    ("plugin", "message"),
    [
        ("our_parts.nowhere", r"own.yaml, line 3: `plugins.0`: no plugin named 'our_parts.nowhere'"),
        ("no-such-distribution", r"no plugin named 'no-such-distribution'"),
        ("json", r"no plugin named 'json'"),
        ("my nets.py", r"line 3: `plugins.0`: 'my nets.py' is not named like a module"),
        ("our_parts.other", r"other.py: no part is marked in this plugin file"),
    ],
)
def test_what_is_no_plugin_is_named_with_its_line(tmp_path, package, plugin, message):
    with pytest.raises(StudyFileError, match=message):
        study_of(tmp_path, plugin)


def test_an_import_of_the_package_as_a_whole_asks_for_a_name(tmp_path, package):
    file = package / "diffusion.py"
    file.write_text(file.read_text().replace("import our_parts.other as other", "import our_parts.other"))
    with pytest.raises(ImportError, match=r"write `import our_parts.other as name`"):
        load_source(study_of(tmp_path, "our_parts.diffusion").plugin_sources[0])
