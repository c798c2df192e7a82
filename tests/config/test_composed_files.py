"""A study that is put together from files and options is the study that one would write by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sweep.config.keys import train_key
from sweep.config.overrides import parse_overrides
from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.config.yaml_text import yaml_text
from sweep.errors import InfeasibleConfig, StudyFileError, UsageError
from sweep.executors.register import identity
from sweep.limits import MAX_EXTENDED_FILES
from sweep.planning.plan import read_study_plan, study_plan
from tests.plugins.test_reading import PLUGIN

BASE = """\
question: Does it matter?
baseline:
  data: digits
  net: unet_8
  T: 100
  images: 10k
  betas: [0.9, 0.99]
factors:
  schedule: {role: scientific, levels: [cosine, quadratic]}
  target: {role: scientific, levels: [v]}
  ema_decay: {role: evaluation, levels: [0, 0.9]}
protocol: {extractor: classifier, n: 100, noise_sets: 3}
"""
CHILD = """\
extends: base.yaml
name: child
baseline:
  net: {channels: 16}
  lr: 3e-4
  betas: [0.8, 0.9]
factors:
  schedule: {levels: [cosine]}
  target: null
seeds: 5
"""
BY_HAND = """\
name: child
question: Does it matter?
baseline: {data: digits, net: {preset: unet_8, channels: 16}, T: 100, images: 10k, lr: 3e-4, betas: [0.8, 0.9]}
factors:
  schedule: {role: scientific, levels: [cosine]}
  ema_decay: {role: evaluation, levels: [0, 0.9]}
seeds: 5
protocol: {extractor: classifier, n: 100, noise_sets: 3}
"""


def written(folder: Path, **files: str) -> Path:
    """Writes files; returns the path of the last one."""
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return path


def assert_same(composed: Study, by_hand: Study) -> None:
    assert composed.model_dump(mode="json") == by_hand.model_dump(mode="json")
    assert identity(composed) == identity(by_hand)
    keys = [[train_key(cell.train_config) for cell in study_plan(each).cells] for each in (composed, by_hand)]
    assert keys[0] == keys[1]
    assert keys[0]


def test_a_study_that_extends_another_is_the_one_written_by_hand(tmp_path):
    child = written(tmp_path, base=BASE, child=CHILD)
    assert_same(load_study(child), load_study(written(tmp_path, hand=BY_HAND)))


def test_a_study_with_overrides_is_the_one_written_by_hand(tmp_path):
    overrides = parse_overrides(
        [
            "name=child",
            "baseline.net.channels=16",
            "baseline.lr=3e-4",
            "baseline.betas=[0.8, 0.9]",
            "factors.target=null",
            "factors.schedule.levels=[cosine]",
            "seeds=5",
        ]
    )
    composed = load_study(written(tmp_path, base=BASE), overrides=overrides)
    assert_same(composed, load_study(written(tmp_path, hand=BY_HAND)))


def test_the_merged_study_reads_back_as_itself(tmp_path):
    from sweep.api.study_files import merged_study

    child = written(tmp_path, base=BASE, child=CHILD + 'cites: "2e-4"\n')
    copy = written(tmp_path, copy=yaml_text(merged_study(child)))
    assert "extends" not in copy.read_text()
    assert load_study(copy).cites == "2e-4"
    assert_same(load_study(copy), load_study(child))


def test_files_extend_files_that_extend_files(tmp_path):
    middle = "extends: ../base.yaml\nbaseline: {T: 50, lr: 1e-2}\n"
    child = written(tmp_path, base=BASE, **{"below/middle": middle}, child=f"extends: below/middle.yaml\n{CHILD[19:]}")
    study = load_study(child)
    assert (study.baseline.T, study.baseline.lr, study.seeds) == (50, 3e-4, 5)


def test_another_kind_replaces_what_it_extends(tmp_path):
    search = BASE.replace(", quadratic", "") + "design: {kind: search, trials: 4, confirm: 1}\n"
    child = "extends: base.yaml\nname: a\nbaseline: {net: {kind: mlp, width: 32}}\ndesign: {kind: leave_one_out}\n"
    study = load_study(written(tmp_path, base=search, child=child))
    assert (study.baseline.net.kind, study.design.kind) == ("mlp", "leave_one_out")
    more = load_study(written(tmp_path, base=search, child="extends: base.yaml\nname: a\ndesign: {trials: 9}\n"))
    assert (more.design.kind, more.design.trials, more.design.confirm) == ("search", 9, 1)


def test_folders_of_images_and_plugins_begin_in_the_folder_of_the_file_that_names_them(tmp_path, monkeypatch):
    base = (
        "question: A?\nplugins: [my_nets.py]\n"
        "baseline: {data: {name: image_folder, path: images, size: 8}, net: tiny_conv}\n"
        "factors: {schedule: {role: scientific, levels: [cosine]}}\n"
    )
    child = written(tmp_path, **{"shared/base": base}, child="extends: shared/base.yaml\nname: a\n")
    (tmp_path / "shared" / "my_nets.py").write_text(PLUGIN)
    study = load_study(child)
    assert study.baseline.data.path == str(tmp_path / "shared" / "images")
    assert study.plugins == ("shared/my_nets.py",)
    assert study.baseline.net.part == "tiny_conv"
    by_hand = base.replace("[my_nets.py]", "[shared/my_nets.py]").replace(
        "path: images", f"path: {tmp_path}/shared/images"
    )
    assert_same(study, load_study(written(tmp_path, hand="name: a\n" + by_hand)))
    monkeypatch.chdir(tmp_path / "shared")
    assert load_study(Path("..", "child.yaml")).model_dump() == study.model_dump()


WRONG = {
    "value of the base": (BASE.replace("T: 100", "T: 0"), CHILD, ["base.yaml, line 5: `baseline.T`: found 0"]),
    "value of the child": (BASE, CHILD.replace("3e-4", "fast"), ["child.yaml, line 5: `baseline.lr`: found 'fast'"]),
    "key of the base": (BASE.replace("  T:", "  TT:"), CHILD, ["base.yaml, line 5: `baseline.TT`", "mean 'T'"]),
    "item of the base": (BASE.replace("0, 0.9", "0, 1.0"), CHILD, ["base.yaml, line 11: `factors.ema_decay`"]),
    "bare name of the base": (
        BASE.replace("unet_8", "unet_9"),
        CHILD,
        ["base.yaml, line 4, with ", "child.yaml, line 4: `baseline.net", "unet_9"],
    ),
    "both together": (
        BASE,
        CHILD.replace("lr: 3e-4", "images: 10"),
        ["base.yaml, line 2, with ", "child.yaml, line 3: `baseline`: images = 10 is"],
    ),
    "no such file": (BASE, CHILD.replace("base.", "bass."), ["child.yaml, line 1: `extends`", "no such file"]),
    "no file": (BASE, CHILD.replace("base.yaml", "[base.yaml]"), ["child.yaml, line 1: `extends`", "path of one"]),
    "itself": (BASE, CHILD.replace("base.", "child."), ["child.yaml, line 1: `extends`", "in turn", "The circle is"]),
    "a circle": (BASE + "extends: child.yaml\n", CHILD, ["base.yaml, line 13: `extends`", "in turn", "The circle is"]),
    "key twice in the base": (BASE + "seeds: 1\nseeds: 2\n", CHILD, ["base.yaml, line 14", "given twice"]),
    "a factor taken out of nothing": (BASE, CHILD.replace("target:", "targets:"), ["child.yaml, line 9"]),
}


@pytest.mark.parametrize(("base", "child", "says"), WRONG.values(), ids=WRONG)
def test_an_error_names_the_file_and_the_line_that_are_to_blame(tmp_path, base, child, says):
    with pytest.raises(StudyFileError) as caught:
        load_study(written(tmp_path, base=base, child=child))
    for part in says:
        assert part in str(caught.value)


def test_a_setting_that_cannot_work_is_named_at_the_line_of_the_base(tmp_path):
    base = BASE.replace("[v]", "[epsilon]").replace("T: 100", "T: 100\n  zero_terminal_snr: true\n  target: v")
    child = written(tmp_path, base=base, child=CHILD.replace("  target: null\n", ""))
    with pytest.raises(InfeasibleConfig, match=r"base\.yaml, line 12: "):
        read_study_plan(child)


def test_a_long_chain_of_files_is_refused(tmp_path):
    for number in range(MAX_EXTENDED_FILES + 5):
        written(tmp_path, **{f"s{number}": f"extends: s{number + 1}.yaml\nname: a\n"})
    with pytest.raises(StudyFileError, match="files extend one another"):
        load_study(tmp_path / "s0.yaml")


WRONG_OPTIONS = {
    "baseline.lrr=1": "-s baseline.lrr: no key named 'lrr'; did you mean 'lr'?",
    "lr=1": "-s lr: no key named 'lr'; did you mean 'baseline.lr'?",
    "baseline.lr=fast": "-s baseline.lr: found 'fast'; a number is expected",
    "factors.schedule.levels=[cosine, linar]": "with -s factors.schedule.levels: `factors.schedule`",
    "factors.schedule.level=[cosine]": "-s factors.schedule.level: no key named 'level'; did you mean 'levels'?",
    "factors.lr.levels=[1e-3]": "-s factors.lr.levels: `factors.lr.role`: is missing",
    "baseline.images=10": "line 3, with -s baseline.images: `baseline`: images = 10 is less than one batch",
    "baseline.lr": "'baseline.lr' cannot be read",
    "baseline.lr=": "cannot be read",
    "=3": "cannot be read",
    "baseline..lr=3": "a key is missing between dots",
    "baseline.lr=[1": "-s baseline.lr, line 1",
    "baseline.lr=*a": "-s baseline.lr, line 1: the alias *a names nothing",
    "baseline.lr=!!python/name:os.system": "-s baseline.lr, line 1: not valid YAML for a study: the tag",
    "extends=other.yaml": "-s extends: no key named 'extends'",
}


@pytest.mark.parametrize(("option", "says"), WRONG_OPTIONS.items())
def test_a_wrong_option_is_named_as_it_was_typed(tmp_path, option, says):
    with pytest.raises(UsageError) as caught:
        load_study(written(tmp_path, base="name: a\n" + BASE), overrides=parse_overrides([option]))
    assert says in str(caught.value), str(caught.value)


def test_an_option_that_is_given_twice_is_refused():
    with pytest.raises(UsageError, match="given twice"):
        parse_overrides(["seeds=3", "seeds=4"])


def test_the_value_of_an_option_in_python_is_what_a_file_can_hold(tmp_path):
    path = written(tmp_path, base="name: a\n" + BASE)
    assert load_study(path, overrides={"baseline": {"lr": 1e-3, "betas": (0.5, 0.6)}}).baseline.betas == (0.5, 0.6)
    with pytest.raises(UsageError, match=r"-s baseline\.lr: found <object object"):
        load_study(path, overrides={"baseline.lr": object()})


def test_a_factor_with_a_dot_in_its_name_is_reached(tmp_path):
    path = written(tmp_path, base="name: a\n" + BASE.replace("target:", "net.dropout:").replace("[v]", "[0.1]"))
    assert load_study(path, overrides={"factors.net.dropout.levels": [0.2]}).factors["net.dropout"].levels == [0.2]
    new = {"factors.net.attention_heads.role": "scientific", "factors.net.attention_heads.levels": [2]}
    with pytest.raises(StudyFileError, match=r"factors.net.attention_heads"):
        load_study(path, overrides=new)


def test_nothing_in_the_environment_changes_a_study(tmp_path, monkeypatch):
    child = written(tmp_path, base=BASE, child=CHILD)
    before = load_study(child).model_dump()
    for name in ("SEEDS", "SWEEP_SEEDS", "SWEEP_SET", "BASELINE_LR", "SWEEP_BASELINE_LR"):
        monkeypatch.setitem(os.environ, name, "7")
    assert load_study(child).model_dump() == before
