"""A study file that is wrong is told so at its line; one that is right is read exactly."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from jsonschema import Draft202012Validator

from sweep.config.data import DataName
from sweep.config.designs.registry import DESIGNS
from sweep.config.factors import Factor, at_boundary
from sweep.config.net import MLPByPreset, NetName, UNetByPreset
from sweep.config.part_names import Loss, Optimizer, Sampler, Schedule, Target, Weighting
from sweep.config.plugin_files import plugins_of
from sweep.config.presets import NET_PRESETS
from sweep.config.study_file import load_study, study_json_schema
from sweep.config.yaml_file import read_yaml
from sweep.errors import StudyFileError

STUDIES = Path(__file__).parents[2] / "studies"

GOOD = """\
name: example
question: Is cosine better than linear?
baseline:
  data: digits
  net: unet_8
  T: 100
  lr: 2e-4
  images: 10k
factors:
  schedule: {role: scientific, levels: [cosine]}
  loss_weight:
    role: scientific
    levels:
      clipped: {weighting: vlb, weight_clip: [0, 1]}
  ema_decay: {role: evaluation, levels: [0, 0.9]}
design: one_at_a_time
seeds: 3
protocol: {extractor: classifier, n: 100, noise_sets: 3}
"""
SEARCH = "design: {kind: search, trials: 3}"
LR_RANGE = "lr: {role: nuisance, range: [1e-4, 1e-2], log: true}"


def read(folder: Path, text: str | bytes):
    path = folder / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_study(path)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_every_shipped_study_loads():
    files = sorted(STUDIES.rglob("*.yaml"))
    assert files
    names = [load_study(file).name for file in files]
    assert len(set(names)) == len(names)


def test_values_are_read_as_written(tmp_path):
    study = read(tmp_path, GOOD)
    assert study.baseline.lr == 2e-4
    assert study.baseline.images == 10_000
    assert study.baseline.net.channels == 24
    assert study.levels_of("loss_weight")["clipped"] == {"weighting": "vlb", "weight_clip": [0, 1]}


# What is wrong, and what the message must say: the line, the key, what was found or what is allowed.
WRONG = {
    "unknown key": (
        changed("  T: 100", "  TT: 100"),
        ["line 6", "`baseline.TT`: no key named 'TT'; did you mean 'T'?"],
    ),
    "unknown key of a factor": (
        changed("levels: [cosine]", "level: [cosine]"),
        ["line 10", "no key named 'level'; did you mean 'levels'?"],
    ),
    "wrong type": (changed("lr: 2e-4", "lr: fast"), ["line 7", "`baseline.lr`", "'fast'", "number"]),
    "T = 0": (changed("T: 100", "T: 0"), ["line 6", "`baseline.T`", "found 0", "greater than or equal to 1"]),
    "T too long": (changed("T: 100", "T: 100000"), ["line 6", "4000"]),
    "T not whole": (changed("T: 100", "T: 99.5"), ["line 6", "`baseline.T`", "99.5"]),
    "no levels": (changed("[cosine]", "[]"), ["line 10", "`levels` is empty"]),
    "misspelt level": (changed("[cosine]", "[cosin]"), ["line 10", "cosin", "did you mean 'cosine'"]),
    "level twice": (changed("[cosine]", "[cosine, cosine]"), ["line 10", "given twice"]),
    "two levels that are one setting": (
        changed("      clipped:", "      same: {weighting: vlb, weight_clip: [0, 1]}\n      clipped:"),
        ["line 11", "`same` and `clipped` are the same setting"],
    ),
    "factor that is no setting": (
        changed("  schedule: {", "  shedule: {"),
        ["line 10", "no setting named 'shedule'; did you mean 'schedule'?"],
    ),
    "unknown role": (
        changed("role: scientific, levels: [cos", "role: science, levels: [cos"),
        ["line 10", "scientific"],
    ),
    "range reversed": (
        changed("  schedule: {", "  lr: {role: nuisance, range: [1e-2, 1e-4], log: true}\n  schedule: {").replace(
            "design: one_at_a_time", SEARCH
        ),
        ["line 10", "`factors.lr`", "reversed"],
    ),
    "range outside a search": (changed("  schedule: {", f"  {LR_RANGE}\n  schedule: {{"), ["line 10", "search"]),
    "evaluation role on a training setting": (
        changed("schedule: {role: scientific", "schedule: {role: evaluation"),
        ["line 10", "changes the training"],
    ),
    "scientific role on an evaluation setting": (
        changed("ema_decay: {role: evaluation", "ema_decay: {role: scientific"),
        ["line 15", "role evaluation"],
    ),
    "clip bounds reversed": (changed("[0, 1]", "[1, 0]"), ["line 11", "low < high"]),
    "unknown net": (changed("unet_8", "unet_9"), ["line 5", "unet_9", "unet_8"]),
    "unknown design": (changed("one_at_a_time", "grid"), ["line 16", "'grid'", "one_at_a_time"]),
    "nuisance without tuning": (
        changed("  schedule: {", f"  {LR_RANGE}\n  schedule: {{"),
        ["line 10", "`factors.lr`", "tune: {trials: 8}"],
    ),
    "scientific range outside a search": (
        changed("  schedule: {", "  lr: {role: scientific, range: [1e-4, 1e-2]}\n  schedule: {"),
        ["line 10", "`factors.lr`", "design: search"],
    ),
    "tuning without nuisance": (GOOD + "tune: {trials: 8}\n", ["line 19", "`tune`", "nothing to tune"]),
    "tuning in a search": (
        changed("  schedule: {", f"  {LR_RANGE}\n  schedule: {{").replace("design: one_at_a_time", SEARCH)
        + "tune: {trials: 8}\n",
        ["line 20", "`tune`", "a search tunes by itself"],
    ),
    "tuning by one trial": (
        changed("  schedule: {", f"  {LR_RANGE}\n  schedule: {{") + "tune: {trials: 1}\n",
        ["line 20", "`tune.trials`", "greater than or equal to 2"],
    ),
    "tuned value over an arm's": (
        changed("[cosine]", "{cosine: {schedule: cosine, lr: 1e-3}}").replace(
            "  loss_weight:", f"  {LR_RANGE}\n  loss_weight:"
        )
        + "tune: {trials: 4}\n",
        ["line 11", "`factors.lr`", "both set `lr`"],
    ),
    "factors that set the same field together": (
        changed("[cosine]", "{cosine: {schedule: cosine, weighting: p2}}").replace("one_at_a_time", "factorial"),
        ["line 11", "`schedule` and `loss_weight` both set `weighting`", "`factorial`"],
    ),
    "three levels where two are meant": (
        changed("[cosine]", "[cosine, linear, linear_scaled]").replace("one_at_a_time", "leave_one_out"),
        ["line 10", "one level; found cosine, linear"],
    ),
    "one factor to leave out": (
        changed("role: scientific, levels: [cos", "role: fixed, levels: [cos")
        .replace(", levels: [cosine]}", "}", 1)
        .replace("one_at_a_time", "leave_one_out"),
        ["line 16", "`design`", "needs 2 scientific factors, found 1"],
    ),
    "generator of no factor": (
        changed("  loss_weight:", "  optimizer: {role: scientific, levels: [radam]}\n  loss_weight:").replace(
            "design: one_at_a_time", "design:\n  kind: fractional\n  generators: {loss: [schedule, optimizer]}"
        ),
        ["line 19", "no scientific factor named 'loss'"],
    ),
    "generator by itself": (
        changed("  loss_weight:", "  optimizer: {role: scientific, levels: [radam]}\n  loss_weight:").replace(
            "design: one_at_a_time",
            "design:\n  kind: fractional\n  generators: {loss_weight: [schedule, loss_weight]}",
        ),
        ["line 19", "not generated themselves"],
    ),
    "zero seeds": (changed("seeds: 3", "seeds: 0"), ["line 17", "`seeds`"]),
    "n too small": (changed("n: 100", "n: 1"), ["line 18", "`protocol.n`"]),
    "name with a path": (changed("name: example", "name: ../example"), ["line 1", "lower-case"]),
    "no question": (changed("question: Is", "#"), ["`question`", "is missing"]),
    "key twice": (GOOD + "seeds: 4\n", ["line 19", "`seeds` is given twice", "line 17"]),
    "alias of nothing": (changed("seeds: 3", "seeds: *n"), ["line 17", "alias *n names nothing above it"]),
    "alias of what holds it": (changed("seeds: 3", "seeds: &n {min: *n}"), ["line 17", "*n stands inside"]),
    "anchor twice": (changed("seeds: 3", "seeds: &n 3").replace("T: 100", "T: &n 100"), ["line 17", "different names"]),
    "alias of a wrong value": (
        changed("seeds: 3", "seeds: &n x").replace("noise_sets: 3", "noise_sets: *n"),
        ["line 17: `seeds`", "line 18: `protocol.noise_sets`"],
    ),
    "merge of a text": (changed("  T: 100", "  <<: *d").replace("data: digits", "data: &d digits"), ["line 6", "`<<`"]),
    "merge of a wrong key": (
        changed("  T: 100", "  <<: *d").replace("question", "cites: &d {TT: 1}\nquestion"),
        ["line 2: `baseline.TT`"],
    ),
    "not YAML": ("name: [1, 2\n", ["line 2", "not valid YAML"]),
    "a list": ("- name\n", ["keys and values at the top"]),
    "empty": ("", ["found nothing"]),
    "binary": (b"\x00\xff\xfe\x01", ["not a text file"]),
    "a Python object": ("name: !!python/object/apply:os.system [ls]\n", ["not valid YAML"]),
    "fewer images than a batch": (changed("images: 10k", "images: 10"), ["line 3", "less than one batch"]),
    "not a number": (changed("lr: 2e-4", "lr: .nan"), ["line 7", "`baseline.lr`"]),
    "true for a number": (changed("T: 100", "T: true"), ["line 6", "`baseline.T`", "found true"]),
    "nothing for a number": (changed("T: 100", "T:"), ["line 6", "`baseline.T`", "found nothing; a whole number"]),
    "unknown unit": (changed("images: 10k", "images: 20x"), ["line 8", "found '20x'", "20k is 20,000"]),
    "unit of nothing": (changed("images: 10k", "images: xk"), ["line 8", "`baseline.images`", "found 'xk'"]),
    "part of an image": (changed("images: 10k", "images: 0.0001k"), ["line 8", "which is 0.1"]),
    "EMA decay of one": (changed("[0, 0.9]", "[0, 1.0]"), ["line 15", "`factors.ema_decay`", "less than 1"]),
    "unknown extractor": (changed("extractor: classifier", "extractor: inceptionv3"), ["line 18", "'inception'"]),
    "the perceptual network as extractor": (
        changed("extractor: classifier", "extractor: random_features"),
        ["line 18", "`protocol.extractor`", "scored by what it was trained on", "allowed: classifier, inception"],
    ),
    "no noise set": (changed("noise_sets: 3", "noise_sets: 0"), ["line 18", "`protocol.noise_sets`"]),
    "n without a standard error": (changed("n: 100", "n: 3"), ["line 18", "`protocol.n`", "equal to 4"]),
    "setting at the top": (GOOD + "lr: 1e-3\n", ["line 19", "`lr`", "no key named 'lr'; did you mean 'baseline.lr'?"]),
    "seeds in the baseline": (
        changed("  T: 100", "  T: 100\n  smallest_effect: 1"),
        ["line 7", "did you mean 'smallest_effect' at the top of the file?"],
    ),
    "unknown size of a net": (
        changed("net: unet_8", "net: {preset: unet_8, chanels: 8}"),
        ["line 5", "did you mean 'channels'?"],
    ),
    "net without a kind": (changed("net: unet_8", "net: {}"), ["line 5", "name a preset"]),
    "a level of no width": (
        changed("net: unet_8", "net: {preset: unet_8, channel_mults: [1, 0]}"),
        ["line 5", "found 0"],
    ),
    "factor of no size": (
        changed("  schedule: {", "  net.chanels: {role: scientific, levels: [8]}\n  schedule: {"),
        ["line 10", "did you mean 'net.channels'?"],
    ),
    "factor below a number": (
        changed("  schedule: {", "  T.x: {role: scientific, levels: [8]}\n  schedule: {"),
        ["line 10", "no setting named 'T.x'", "only `net`"],
    ),
    "levels that are no list": (changed("[cosine]", "cosine"), ["line 10", "found 'cosine'", "[a, b]"]),
    "named level that sets nothing": (
        changed("[cosine]", "{c: cosine}"),
        ["line 10", "level `c` must say what it sets"],
    ),
    "log of levels": (changed("levels: [cosine]", "levels: [cosine], log: true"), ["line 10", "goes with a `range`"]),
    "nuisance role on an evaluation setting": (
        changed("ema_decay: {role: evaluation", "ema_decay: {role: nuisance"),
        ["line 15", "role evaluation"],
    ),
    "one clip bound": (changed("[0, 1]", "[0]"), ["line 11", "too few values"]),
    "three clip bounds": (changed("  T: 100", "  T: 100\n  weight_clip: [0, 1, 2]"), ["line 7", "at most 2"]),
    "a tab": (changed("  T: 100", "\tT: 100"), ["line 6", "not with a tab"]),
    "a colon in a text": (changed("question: Is", "question: Is: is"), ["line 2", "in quotes"]),
    "a key that is a number": (GOOD + "1: 2\n", ["line 19", "key `1` is not a word"]),
    "two documents": (GOOD + "---\n" + GOOD, ["line 19", "Keep one document"]),
    "a control character": (changed("lr: 2e-4", "l\x00r: 1"), ["not valid YAML", "control character"]),
    "too deep": ("a: " + "[" * 5000 + "]" * 5000, ["nested more than 50 deep"]),
    "too large": ("x: " + "a" * 1_000_001, ["too large for a study"]),
    "a tuned level of no evaluation factor": (
        changed("seeds:", "evaluation: {tune: [guidance_scale]}\nseeds:"),
        ["`guidance_scale` is no evaluation factor of this study", "allowed: ema_decay"],
    ),
    "a level that is tuned on one noise set": (
        changed("n: 100, noise_sets: 3}", "n: 100, noise_sets: 1}\nevaluation: {tune: [ema_decay]}"),
        ["two are the fewest", "protocol.noise_sets: 4"],
    ),
    "a share of the training twice": (
        changed("n: 100, noise_sets: 3}", "n: 100, along: [0.5, 0.5]}"),
        ["line 18", "[0.5, 0.5] names a share of the training twice"],
    ),
    "a share beyond the training": (
        changed("n: 100, noise_sets: 3}", "n: 100, along: [1.5]}"),
        ["line 18", "less than or equal to 1"],
    ),
    "a share of the training as a factor": (
        changed("ema_decay: {role: evaluation", "training_share: {role: evaluation"),
        ["line 15", "protocol: {along: [0.25, 0.5, 1.0]}"],
    ),
    "a baseline before its end": (
        changed("  T: 100", "  T: 100\n  training_share: 0.5"),
        ["line 7", "protocol: {along: [0.25, 0.5, 1.0]}"],
    ),
    "a guidance interval from its end": (
        changed("  T: 100", "  T: 100\n  guidance_interval: [3, 1]"),
        ["line 7", "write [low, high]"],
    ),
    "image folder without a path": (changed("data: digits", "data: image_folder"), ["line 4", "`path`"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_told_where_and_why(tmp_path, case):
    text, says = WRONG[case]
    with pytest.raises(StudyFileError) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 2
    assert caught.value.next
    for part in says:
        assert part in str(caught.value), str(caught.value)


def test_a_missing_file_names_those_that_are_there(tmp_path):
    (tmp_path / "other.yaml").write_text(GOOD)
    with pytest.raises(StudyFileError, match=r"no such file[\s\S]*other\.yaml"):
        load_study(tmp_path / "study.yaml")


@pytest.mark.parametrize(("text", "value"), [("2e-4", 2e-4), ("1e4", 1e4), ("0.01", 0.01), ("010", 10)])
def test_numbers_are_numbers(tmp_path, text, value):
    """PyYAML alone reads 2e-4 as a word and 010 as eight."""
    study = read(tmp_path, changed("lr: 2e-4", f"lr: {text}").replace("lr: 1e4", "lr: 9")) if value < 10 else None
    if study is not None:
        assert study.baseline.lr == value


@pytest.mark.parametrize("word", ["no", "on", "yes", "off", "1e", "0x10", "12:30:00"])
def test_words_stay_words(tmp_path, word):
    """`no` is false and 12:30:00 is 45000 in YAML 1.1."""
    assert read(tmp_path, changed("question: Is cosine better than linear?", f"question: {word}")).question == word


SCHEMA = Draft202012Validator(study_json_schema())


@pytest.mark.parametrize("file", sorted(STUDIES.rglob("*.yaml")), ids=lambda file: file.stem)
def test_the_schema_takes_every_shipped_study(file):
    study = read_yaml(file)
    schema = Draft202012Validator(study_json_schema(plugins_of(study)))
    schema.check_schema(schema.schema)
    schema.validate(study.data)


@pytest.mark.parametrize(
    "case",
    [
        "unknown key",
        "unknown key of a factor",
        "wrong type",
        "T = 0",
        "T too long",
        "T not whole",
        "unknown role",
        "unknown net",
        "unknown design",
        "no question",
        "zero seeds",
        "unknown unit",
        "unknown extractor",
        "unknown size of a net",
        "a level of no width",
        "setting at the top",
        "levels that are no list",
        "true for a number",
        "three clip bounds",
        "name with a path",
    ],
)
def test_the_schema_refuses_what_an_editor_can_see(tmp_path, case):
    (tmp_path / "study.yaml").write_text(WRONG[case][0])
    assert not SCHEMA.is_valid(read_yaml(tmp_path / "study.yaml").data)


def test_an_editor_completes_every_name():
    written = str(SCHEMA.schema)
    for names in (
        *map(get_args, (Schedule, Weighting, Target, Loss, Optimizer, Sampler, DataName)),
        DESIGNS,
        NET_PRESETS,
    ):
        for name in names:
            assert f"'{name}'" in written


def test_names_that_the_schema_lists_are_those_that_there_are():
    assert set(get_args(NetName)) == set(NET_PRESETS)
    by_kind = {"unet": UNetByPreset, "mlp": MLPByPreset}
    for name, preset in NET_PRESETS.items():
        assert name in get_args(by_kind[str(preset["kind"])].model_fields["preset"].annotation)


def test_a_named_net_may_be_changed_by_the_same_level(tmp_path):
    level = "  net: {role: scientific, levels: {wide: {net.width: 32, net: mlp}}}\n  schedule: {"
    study = read(tmp_path, changed("  schedule: {", level))
    net = study.setting(study.levels_of("net")["wide"]).net
    assert (net.kind, net.width, net.depth) == ("mlp", 32, 3)


LOG = Factor(role="nuisance", range=(1e-5, 1e-1), log=True)
PLAIN = Factor(role="nuisance", range=(0.0, 100.0))


@pytest.mark.parametrize(
    ("factor", "value", "end"),
    [
        # 5 % of four decades is a fifth of one: 10^-4.8 = 1.58e-5 and 10^-1.2 = 6.3e-2.
        (LOG, 1e-5, "low"),
        (LOG, 1.5e-5, "low"),
        (LOG, 1.7e-5, None),
        (LOG, 1e-3, None),
        (LOG, 6e-2, None),
        (LOG, 6.5e-2, "high"),
        (PLAIN, 5.0, "low"),
        (PLAIN, 6.0, None),
        (PLAIN, 95, "high"),
        (Factor(role="nuisance", levels=[1e-4, 1e-3, 1e-2]), 1e-4, "low"),
        (Factor(role="nuisance", levels=[1e-4, 1e-3, 1e-2]), 1e-3, None),
        (Factor(role="nuisance", levels=[1e-2, 1e-4, 1e-3]), 1e-2, "high"),
        (Factor(role="nuisance", levels=[1e-3, 1e-2]), 1e-2, None),  # two levels have no inside
        (Factor(role="nuisance", levels=["adam", "radam", "adamw"]), "adam", None),
        (Factor(role="nuisance", levels=[True, False]), True, None),
    ],
)
def test_the_end_of_what_was_tried(factor, value, end):
    assert at_boundary(factor, value) == end
