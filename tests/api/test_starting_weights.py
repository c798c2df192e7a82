"""`init_from`: a training that begins with weights from a file, an exported folder or a pipeline of diffusers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import sweep
from sweep.api.model_export import export_model
from sweep.api.trained_run import trained_run
from sweep.config.keys import train_key
from sweep.config.study import Study
from sweep.config.study_file import load_study
from sweep.errors import DataError, StudyFileError
from sweep.executors.register import identity
from sweep.files.file_store import FileStore
from sweep.planning.plan import read_study_plan
from sweep.worker.trained_net import read_weights
from tests.api.test_taking_a_run_elsewhere import images_of
from tests.helpers.trained_store import BASELINE, trained_study

STUDY = """\
name: tuned
question: Is it?
baseline:
  data: digits
  net: {preset: unet_8, channels: 8}
  T: 50
  target: v
  init_from: small-run-1
factors: {lr: {role: scientific, levels: [1e-4]}}
"""
# One step so small that no float32 weight changes: Adam moves each by at most lr.
STANDSTILL = {"images": 32, "lr": 1e-12}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["safetensors", "diffusers"])
def test_a_training_that_stands_still_has_the_weights_and_the_images_that_it_began_with(here, form):
    trained_study(here)
    folder = export_model("small", 1, format=form)
    images = images_of(here, n=8)
    trained_study(here, name="tuned", init_from=folder, **STANDSTILL)
    tuned, first = trained_run("tuned", 2), trained_run("small", 1)
    assert tuned.train_key != first.train_key
    files = FileStore(here / "files")
    before, after = (read_weights(run.train, run.evaluation, run.weights, files) for run in (first, tuned))
    assert all(torch.allclose(before[name], after[name], atol=1e-9) for name in before)
    sweep.sample("tuned", 2, n=8, out="tuned.npz", device="cpu")
    import numpy as np

    np.testing.assert_array_equal(np.load("tuned.npz")["arr_0"][..., 0], images[:, 0].numpy())


def test_a_training_goes_on_from_the_weights(here):
    trained_study(here)
    folder = export_model("small", 1)
    trained_study(here, name="tuned", init_from=folder)
    files = FileStore(here / "files")
    runs = [trained_run("small", 1), trained_run("tuned", 2)]
    first, tuned = (
        read_weights(run.train, run.evaluation_with({"ema_decay": 0.0}), run.weights, files) for run in runs
    )
    assert not torch.equal(first["conv_in.weight"], tuned["conv_in.weight"])


def test_the_hash_of_the_weights_is_in_the_key_and_their_path_is_not(here):
    trained_study(here)
    export_model("small", 1)
    export_model("small", 1, out="raw", settings={"ema_decay": 0})
    Path("study.yaml").write_text(STUDY)
    keys, hashes = {}, {}
    for path in ("small-run-1", "small-run-1/model.safetensors", "raw", None):
        plan = read_study_plan(here / "study.yaml", overrides={"baseline.init_from": path})
        keys[path] = train_key(plan.cells[0].train_config)
        hashes[path] = identity(plan.study)
    assert keys["small-run-1"] == keys["small-run-1/model.safetensors"]
    assert hashes["small-run-1"] == hashes["small-run-1/model.safetensors"]
    assert len(set(keys.values())) == len(set(hashes.values())) == 3


def test_a_study_without_starting_weights_is_written_as_before_they_came(here):
    study = Study.model_validate({"name": "a", "question": "?", "baseline": BASELINE})
    assert "init_from" not in study.model_dump()["baseline"]
    assert "init_from" not in study.baseline.train_config(seed=0, ema_decays=()).model_dump_json()


def test_weights_that_do_not_fit_are_refused_before_anything_is_made(here):
    trained_study(here)
    export_model("small", 1)
    Path("study.yaml").write_text(STUDY)
    wider = {"baseline.net.channels": 16, "name": "wide"}
    for refused in (sweep.plan, sweep.launch):
        with pytest.raises(DataError, match=r"do not fit the net[\s\S]*has the shape"):
            refused("study.yaml", overrides=wider, device="cpu")
    with pytest.raises(DataError, match=r"do not fit the net[\s\S]*weights are missing"):
        sweep.plan("study.yaml", overrides={"baseline.net": "mlp_small"}, device="cpu", measure=False)
    assert not list((here / "files").glob("starting-weights/*"))


WRONG = {
    "no such file": ("none.safetensors", "no weights there"),
    "another file": ("study.yaml", "no weights there"),
    "no weights in a file": ("text.safetensors", "holds no weights"),
    "another hash": ({"path": "small-run-1", "sha256": "0" * 64}, "another file than the study says"),
}


@pytest.mark.parametrize(("written", "says"), WRONG.values(), ids=WRONG)
def test_what_is_no_file_of_weights_is_refused(here, written, says):
    trained_study(here)
    export_model("small", 1)
    Path("study.yaml").write_text(STUDY)
    Path("text.safetensors").write_text("no weights")
    with pytest.raises(DataError, match=says):
        sweep.plan("study.yaml", overrides={"baseline.init_from": written}, device="cpu", measure=False)


def test_weights_are_no_factor(here):
    Path("study.yaml").write_text(STUDY.replace("lr: {", "init_from: {").replace("[1e-4]", "[a.safetensors]"))
    with pytest.raises(StudyFileError, match="levels do not name weights"):
        load_study("study.yaml")


def test_the_weights_of_a_base_begin_in_its_folder(here):
    Path("shared").mkdir()
    Path("shared/base.yaml").write_text(STUDY)
    Path("study.yaml").write_text("extends: shared/base.yaml\n")
    assert load_study("study.yaml").baseline.init_from.path == str(here / "shared" / "small-run-1")
