"""A feature extractor of a plugin: its hash is the name of the score, and the protocol knows it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sweep.config.keys import eval_key, part_sha256, protocol_key, train_key
from sweep.config.plugin_files import plugins_of
from sweep.config.run import Protocol
from sweep.config.study import Study
from sweep.config.study_file import load_study, study_json_schema
from sweep.config.yaml_file import read_yaml
from sweep.data.sources import load_dataset
from sweep.errors import StudyFileError, UsageError
from sweep.plugins.loading import load_source
from sweep.reporting.metrics import label_of
from sweep.scoring.evaluator import open_evaluator, resolve_protocol
from sweep.scoring.measure import measure_distances
from sweep.worker.orders import CheckJob
from sweep.worker.plugin_check import try_plugins

PLUGIN = (Path(__file__).parents[2] / "studies/plugins/frequencies.py").read_text()
FEATURES = "torch.log1p(amplitudes[:, :count, :count]).flatten(1)"


def study_of(folder: Path, plugin: str = PLUGIN, extractor: str = "{kind: frequencies, count: 4}") -> Study:
    (folder / "mine.py").write_text(plugin)
    text = (
        "name: own\nquestion: A question?\nplugins: [mine.py]\nbaseline: {net: mlp_small}\n"
        f"protocol: {{extractor: {extractor}, n: 100}}\n"
    )
    (folder / "own.yaml").write_text(text)
    study = load_study(folder / "own.yaml")
    load_source(study.plugin_sources[0])
    return study


def protocol_of(study: Study, folder: Path) -> Protocol:
    part = study.protocol.extractor_part
    return resolve_protocol(load_dataset("digits"), study.protocol.extractor, n=100, folder=folder, part=part)


def test_its_hash_is_the_name_of_the_score(tmp_path):
    protocol = protocol_of(study_of(tmp_path), tmp_path)
    sha256 = protocol.extractor_sha256
    assert protocol.extractor == f"own-frequencies-{sha256[:8]}"
    assert protocol.label == label_of("fid", protocol.model_dump()) == f"FD-{sha256[:8]}@100"
    assert Protocol.model_validate(protocol.model_dump(mode="json")) == protocol


def test_source_and_settings_are_in_the_eval_key_alone(tmp_path):
    study = study_of(tmp_path)
    before = protocol_of(study, tmp_path)
    config = study.baseline.eval_config()
    for plugin, extractor in ((PLUGIN + "\nX = 1\n", "{kind: frequencies, count: 4}"), (PLUGIN, "frequencies")):
        other = study_of(tmp_path, plugin, extractor)
        assert eval_key(config, protocol_of(other, tmp_path)) != eval_key(config, before)
        keys = [train_key(each.baseline.train_config(seed=0, ema_decays=())) for each in (study, other)]
        assert keys[0] == keys[1]
    commented = study_of(tmp_path, PLUGIN + "\n# a comment\n")
    assert protocol_key(protocol_of(commented, tmp_path)) == protocol_key(before)


def test_a_stored_study_has_its_extractor(tmp_path):
    study = study_of(tmp_path)
    stored = Study.model_validate(study.model_dump(mode="json"))
    assert stored.protocol == study.protocol
    assert part_sha256(stored.protocol.extractor_part) == part_sha256(study.protocol.extractor_part)


def test_its_distance_is_the_frechet_distance_of_its_features(tmp_path):
    digits = load_dataset("digits")
    evaluator = open_evaluator(protocol_of(study_of(tmp_path), tmp_path), digits, folder=tmp_path)
    images = digits.train[:100]
    features = evaluator.extractor.extract(images)
    expected = torch.log1p(torch.fft.rfft2(images.float() / 127.5 - 1, norm="ortho").abs().mean(1)[:, :4, :4])
    assert np.allclose(features.penultimate, expected.flatten(1).numpy(), rtol=1e-5)
    measured = measure_distances(features, evaluator.reference, n=100)
    assert measured.inception_score is None
    assert 0 < measured.fid < 1


def test_the_schema_has_it(tmp_path):
    study_of(tmp_path)
    schema = study_json_schema(plugins_of(read_yaml(tmp_path / "own.yaml")))
    forms = schema["$defs"]["ProtocolRequest"]["properties"]["extractor"]["anyOf"]
    assert {"const": "frequencies"} in forms


@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        ("frequency", r"line 5: `protocol.extractor`: no feature extractor named 'frequency'; did you mean"),
        ("{kind: frequencies, cont: 4}", r"line 5: `protocol.extractor.*did you mean 'count'"),
        ("{kind: frequencies, count: many}", r"found 'many'; a whole number is expected"),
        ("own", r"an extractor of a plugin, which a study names by its own name"),
    ],
)
def test_what_is_wrong_in_the_study_is_named_with_its_line(tmp_path, extractor, message):
    with pytest.raises(StudyFileError, match=message):
        study_of(tmp_path, extractor=extractor)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("return features\n", "return 1\n", "it returned int; a function or a module is expected"),
        (FEATURES, "amplitudes", r"its features are \(8, 8, 5\); a tensor \[8, D\] is expected"),
        (FEATURES, FEATURES + " / 0", "its features are not finite"),
        (FEATURES, FEATURES + " + torch.rand(1)", "other features at each call.*equal settings"),
        (FEATURES, FEATURES + " - amplitudes.mean()", "depend on the other images"),
    ],
)
def test_a_bad_extractor_is_refused(tmp_path, before, after, message):
    assert before in PLUGIN
    study = study_of(tmp_path, PLUGIN.replace(before, after))
    job = CheckJob(study.plugin_sources, {"baseline": study.baseline}, study.protocol.extractor_part)
    with pytest.raises(UsageError, match=f"(?s){message}"):
        try_plugins(job)
