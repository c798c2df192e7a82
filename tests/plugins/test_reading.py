"""A plugin is known from its text: nothing of it runs when a study is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweep.config.keys import train_key
from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.errors import DataError, SweepError
from sweep.plugins.loading import load_source, part_named
from sweep.plugins.source import read_source, source_from

PLUGIN = (Path(__file__).parents[2] / "studies/plugins/tiny_conv.py").read_text()
STUDY = """\
name: own
question: A question?
plugins: [my_nets.py]
baseline: {{data: digits, net: {net}}}
factors:
  {factor}
"""
FACTOR = "net: {role: scientific, levels: [mlp_small]}"


def study_at(folder: Path, plugin: str = PLUGIN, *, net: str = "tiny_conv", factor: str = FACTOR) -> Study:
    (folder / "my_nets.py").write_text(plugin)
    (folder / "own.yaml").write_text(STUDY.format(net=net, factor=factor))
    return load_study(folder / "own.yaml")


def keys(study: Study) -> list[str]:
    nets = [{}, {"net": "mlp_small"}]
    return [train_key(study.setting(changes).train_config(seed=0, ema_decays=())) for changes in nets]


def test_reading_a_study_runs_nothing_of_its_plugin(tmp_path, capsys):
    mark = tmp_path / "ran"
    study = study_at(tmp_path, f"print('ran')\nopen({str(mark)!r}, 'w')\n" + PLUGIN)
    assert study.baseline.net.settings == {"width": 16, "depth": 2}
    assert capsys.readouterr().out == ""
    assert not mark.exists()


def test_comments_docstrings_and_formatting_change_no_key(tmp_path):
    before = keys(study_at(tmp_path))
    changed = PLUGIN.replace("h = self.first(x)", "# A comment.\n        h = (\n            self.first(x)\n        )")
    changed = changed.replace('"""Residual convolutions without', '"""Other words without')
    assert changed != PLUGIN
    assert keys(study_at(tmp_path, changed)) == before


def test_a_changed_line_changes_the_key_of_the_runs_that_use_the_net_and_of_no_other(tmp_path):
    before = keys(study_at(tmp_path))
    after = keys(study_at(tmp_path, PLUGIN.replace("F.silu(h)", "F.relu(h)")))
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_net_of_the_package_has_the_key_it_has_without_plugins(tmp_path):
    (tmp_path / "plain.yaml").write_text("name: own\nquestion: A question?\nbaseline: {data: digits, net: mlp_small}\n")
    plain = load_study(tmp_path / "plain.yaml").baseline.train_config(seed=0, ema_decays=())
    assert keys(study_at(tmp_path))[1] == train_key(plain)
    # The key of 0.1.0.
    assert train_key(plain) == "46d83faadacf8e7698f6a3691cb2f16762f842d4130cfdeddf0b5a84874bfde0"


def test_a_module_of_the_folder_is_part_of_the_source(tmp_path):
    blocks = "WIDTH = 3\n"
    plugin = "from blocks import WIDTH\n" + PLUGIN
    (tmp_path / "blocks.py").write_text(blocks)
    before = keys(study_at(tmp_path, plugin))
    (tmp_path / "blocks.py").write_text(blocks + "# a comment\n")
    assert keys(study_at(tmp_path, plugin)) == before
    (tmp_path / "blocks.py").write_text("WIDTH = 4\n")
    assert keys(study_at(tmp_path, plugin)) != before
    source = read_source(tmp_path / "my_nets.py")
    load_source(source)
    made = part_named(source.sha256, "net", "tiny_conv")
    assert made.__init__.__globals__["WIDTH"] == 4


def test_files_named_like_modules_that_are_there_take_no_place(tmp_path):
    for name in ("torch", "json", "sweep"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a file of the user ran')\n")
    study_at(tmp_path, "import json\n" + PLUGIN)
    source = read_source(tmp_path / "my_nets.py")
    assert list(source.modules) == ["my_nets"]
    load_source(source)


def test_an_archive_with_another_version_is_refused(tmp_path):
    source = study_at(tmp_path).plugin_sources[0]
    assert source_from(source.as_text(), source.sha256).modules == source.modules
    with pytest.raises(DataError, match="is another version"):
        source_from(source.as_text().replace("silu", "relu"), source.sha256)
    with pytest.raises(DataError, match="is damaged"):
        source_from(source.as_text()[:50], source.sha256)


def test_a_stored_study_is_read_without_its_plugin(tmp_path):
    study = study_at(tmp_path, net="{kind: tiny_conv, width: 8}")
    (tmp_path / "my_nets.py").unlink()
    stored = Study.model_validate(study.model_dump(mode="json"))
    assert stored.baseline.net == study.baseline.net
    assert keys(stored) == keys(study)


def with_setting(text: str) -> str:
    return PLUGIN.replace("width: int = 16", text)


@pytest.mark.parametrize(
    ("plugin", "net", "factor", "message"),
    [
        (PLUGIN, "tiny_con", FACTOR, r"line 4: `baseline.net`: no net named 'tiny_con'; did you mean 'tiny_conv'"),
        (PLUGIN, "{kind: tiny_con}", FACTOR, r"no net named 'tiny_con'; did you mean 'tiny_conv'"),
        (PLUGIN, "{kind: tiny_conv, widht: 8}", FACTOR, r"line 4: `baseline.net.widht`: .*did you mean 'width'"),
        (PLUGIN, "{kind: tiny_conv, width: 8.5}", FACTOR, r"found 8.5; a whole number is expected"),
        (PLUGIN, "tiny_conv", "net.widht: {role: scientific, levels: [8]}", r"line 6: .*did you mean 'net.width'"),
        (PLUGIN, "tiny_conv", "net.width: {role: scientific, levels: [wide]}", r"line 6: .*a whole number is expected"),
        (PLUGIN.replace("tiny_conv", "mlp_small"), "mlp", FACTOR, r"name of net `mlp_small` is taken"),
        ("x = 1\n", "mlp", FACTOR, r"my_nets.py: no part is marked"),
        ("x = \n", "mlp", FACTOR, r"my_nets.py, line 1: not Python"),
        (PLUGIN.replace("image_size: int, ", ""), "tiny_conv", FACTOR, r"line 22: .*does not take image_size"),
        (with_setting("width=16"), "tiny_conv", FACTOR, r"line 22: setting `width` must be typed"),
        (with_setting("width: int = None"), "tiny_conv", FACTOR, r"setting `width` needs a default of its type"),
        (with_setting("width: int = 1.5"), "tiny_conv", FACTOR, r"found 1.5; a whole number is expected"),
        (with_setting("model_dump: int = 1"), "tiny_conv", FACTOR, r"calls a setting `model_dump`"),
        (PLUGIN.replace("*, width: int = 16, depth: int = 2", "**width"), "tiny_conv", FACTOR, r"have no name"),
    ],
)
def test_what_is_wrong_with_a_plugin_or_its_settings_is_told_with_file_and_line(tmp_path, plugin, net, factor, message):
    with pytest.raises(SweepError, match=message):
        study_at(tmp_path, plugin, net=net, factor=factor)


def test_a_choice_is_checked(tmp_path):
    plugin = with_setting('norm: Literal["group", "none"] = "group", width: int = 16')
    assert study_at(tmp_path, plugin, net="{kind: tiny_conv, norm: none}").baseline.net.settings["norm"] == "none"
    with pytest.raises(SweepError, match="found 'layer'; allowed: group, none"):
        study_at(tmp_path, plugin, net="{kind: tiny_conv, norm: layer}")


def test_a_study_without_plugins_is_written_as_before() -> None:
    """An empty `own_parts` in it made every earlier launch of the same file a changed one."""
    study = Study.model_validate({"name": "plain", "question": "Does it run?", "baseline": {"data": "digits"}})
    assert "own_parts" not in study.model_dump(mode="json")["baseline"]
