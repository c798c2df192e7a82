"""Data sets and metrics of plugins: what they return, which keys they are in, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sweep.config.keys import eval_key, train_key
from sweep.config.run import EvalConfig, Protocol, Setting, TrainConfig
from sweep.config.study import Study
from sweep.data.own import own_dataset
from sweep.errors import SweepError
from sweep.plugins.loading import load_source
from sweep.reporting.metrics import direction_of, label_of
from sweep.scoring.metrics import Direction
from sweep.scoring.own_metrics import own_number
from sweep.worker.preparation import dataset_of
from tests.helpers.plugins import checked, plugin_study

PLUGIN = (Path(__file__).parents[2] / "studies/plugins/gratings.py").read_text()
PROTOCOL = Protocol(extractor="a", extractor_sha256="0" * 64, reference_sha256="1" * 64, n=100)


def study_at(folder: Path, plugin: str = PLUGIN, baseline: str = "data: gratings, extra_metrics: [contrast]") -> Study:
    return plugin_study(folder, plugin, baseline=baseline)


def keys(setting: Setting) -> tuple[str, str]:
    return train_key(setting.train_config(seed=0, ema_decays=())), eval_key(setting.eval_config(), PROTOCOL)


def test_a_metric_is_in_the_eval_key_alone_and_a_data_set_in_the_train_key_alone(tmp_path):
    before, after = (study_at(tmp_path, text).baseline for text in (PLUGIN, PLUGIN + "\nCHANGED = True\n"))
    plain = study_at(tmp_path, baseline="data: digits").baseline
    data = study_at(tmp_path, baseline="data: gratings").baseline
    metric = study_at(tmp_path, baseline="extra_metrics: [contrast]").baseline
    assert keys(data)[0] != keys(plain)[0]
    assert keys(data)[1] == keys(plain)[1]
    assert keys(metric)[0] == keys(plain)[0]
    assert keys(metric)[1] != keys(plain)[1]
    assert all(a != b for a, b in zip(keys(before), keys(after), strict=True))


def test_stored_configs_are_read_back(tmp_path):
    setting = study_at(
        tmp_path, baseline="data: {kind: gratings, count: 80}, extra_metrics: [{kind: contrast}]"
    ).baseline
    train = setting.train_config(seed=0, ema_decays=())
    assert TrainConfig.model_validate(train.model_dump(mode="json")) == train
    assert EvalConfig.model_validate(setting.eval_config().model_dump(mode="json")) == setting.eval_config()
    assert Setting.model_validate(setting.model_dump(mode="json")) == setting
    assert setting.data.part.settings == {"count": 80, "size": 8}
    assert setting.data.label == "gratings"


def test_the_images_are_split_and_known_by_their_content(tmp_path):
    study = study_at(tmp_path, baseline="data: {kind: gratings, count: 200}")
    load_source(study.plugin_sources[0])
    dataset = dataset_of(study.baseline.data)
    assert [len(each) for each in (dataset.train, dataset.validation, dataset.test)] == [160, 20, 20]
    assert dataset.name == "gratings"
    assert torch.bincount(dataset.train_labels).tolist() == [40, 40, 40, 40]
    assert dataset.content_sha256 == dataset_of(study.baseline.data).content_sha256


def test_a_metric_of_each_image_has_a_standard_error_over_images(tmp_path):
    mine = PLUGIN.replace("return float(spread / real_spread)", "return images.double().flatten(1).mean(1)")
    study = study_at(tmp_path, mine)
    load_source(study.plugin_sources[0])
    images = torch.randint(256, (10, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    number = own_number(study.baseline.extra_metrics[0], images, images)
    means = images.double().flatten(1).mean(1).numpy()
    assert number.value == pytest.approx(means.mean())
    assert number.standard_error == pytest.approx(means.std(ddof=1) / np.sqrt(10))
    assert number.name == "own_contrast_near_one"


def test_reports_know_the_label_and_the_direction_of_a_metric_by_its_name():
    assert label_of("own_contrast_near_one", {}) == "contrast"
    assert direction_of("own_contrast_near_one") == Direction.NEAR_ONE
    assert direction_of("own_my_higher_lower") == Direction.LOWER


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.zeros((30, 8, 8), np.uint8), r"\(30, 8, 8\); uint8 \[N, C, size, size\]"),
        (np.zeros((30, 1, 8, 8), np.float32), "float32"),
        (np.zeros((30, 1, 8, 9), np.uint8), "8 x 9 pixels"),
        (np.zeros((5, 1, 8, 8), np.uint8), "it has 5 images"),
        ((np.zeros((30, 1, 8, 8), np.uint8), np.zeros(29, np.int64)), r"integers \[30\]"),
        ([1, 2], "its images are list"),
    ],
)
def test_images_of_another_shape_or_type_are_refused(returned, message):
    with pytest.raises(SweepError, match=message):
        own_dataset("mine", returned)


CONTRAST = "float(spread / real_spread)"


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ("data: gratngs", "baseline.data.*gratngs"),
        ("data: {kind: gratings, cuont: 3}", "no setting of data set gratings named 'cuont'; did you mean 'count'"),
        ("extra_metrics: [contrst]", "no metric named 'contrst'; did you mean 'contrast'"),
        ("extra_metrics: contrast", "a list of metrics of plugins is expected"),
        ("extra_metrics: [contrast, contrast]", "metric contrast is named twice"),
    ],
)
def test_what_is_wrong_in_a_study_file_is_told_with_file_and_line(tmp_path, baseline, message):
    with pytest.raises(SweepError, match=f"line 4: (?s:.*){message}"):
        study_at(tmp_path, baseline=baseline)


@pytest.mark.parametrize(
    ("baseline", "before", "after", "message"),
    [
        ("data: gratings", "default_rng(0)", "default_rng()", "gratings.*other images at each call"),
        ("data: gratings", "[:, None], classes", "", r"gratings.*\(800, 8, 8\)"),
        ("data: gratings", "draws = ", "draws = 1 / 0; _ = ", "ZeroDivisionError"),
        ("extra_metrics: [contrast]", ', better="near_one"', "", "takes the name in quotes"),
        ("extra_metrics: [contrast]", '"near_one"', '"best"', "which values are better: one of lower"),
        ("extra_metrics: [contrast]", CONTRAST, "float('nan')", "metric contrast is nan"),
        ("extra_metrics: [contrast]", CONTRAST, "real.double()", r"returned \(24, 1, 8, 8\)"),
        ("extra_metrics: [contrast]", CONTRAST, "float(torch.rand(()))", "another number at each"),
        ("extra_metrics: [contrast]", "images: torch.Tensor", "x: torch.Tensor", "contrast does not take images"),
    ],
)
def test_a_bad_part_is_refused(tmp_path, baseline, before, after, message):
    assert before in PLUGIN
    with pytest.raises(SweepError, match=f"(?s){message}"):
        checked(study_at(tmp_path, PLUGIN.replace(before, after), baseline))
