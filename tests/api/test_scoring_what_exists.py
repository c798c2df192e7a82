"""Folders and arrays of images as the arms of a study, and as the items of `sweep score`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import torch_fidelity
from torch import Tensor
from torch.utils.data import Dataset
from typer.testing import CliRunner

import sweep
from sweep.cli.app import app
from sweep.data.sources import load_dataset
from sweep.errors import DataError, UsageError
from sweep.reporting.stats.comparison import compare_arms
from sweep.scoring.features import load_extractor
from tests.benchmarks.fidelity_peer import SharedExtractor, register
from tests.helpers.given_items import given_study, noisy_digits, write_array, write_folder, write_study

GRAY = "gray-digits-classifier"


class OfGrayFiles(SharedExtractor):
    """torch-fidelity reads files as colours: three equal channels."""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return super().forward(images[:, :1])


class _Digits(Dataset[Tensor]):
    def __init__(self) -> None:
        self.images = load_dataset("digits").train

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index].expand(3, 8, 8)


def by_torch_fidelity(folder: Path) -> dict[str, float]:
    """What torch-fidelity says of a folder against the training digits, by the classifier that ours uses."""
    register(load_extractor("classifier", load_dataset("digits"), folder=folder.parent, device=torch.device("cpu")))
    if GRAY not in torch_fidelity.registry.FEATURE_EXTRACTORS_REGISTRY:
        torch_fidelity.register_feature_extractor(GRAY, OfGrayFiles)
    with torch.random.fork_rng():
        metrics: dict[str, float] = torch_fidelity.calculate_metrics(
            input1=str(folder),
            input2=_Digits(),
            feature_extractor=GRAY,
            fid=True,
            cuda=False,
            cache=False,
            save_cpu_ram=True,
            verbose=False,
        )
    return metrics


@pytest.mark.slow
def test_fid_is_that_of_torch_fidelity_on_the_same_folder(here):
    folder = write_folder(here / "samples", noisy_digits(1000, sd=25))
    array = write_array(here / "samples.npz", noisy_digits(1000, sd=25))
    theirs = by_torch_fidelity(folder)
    scored = sweep.score([folder, array], against="digits", device="cpu")
    for item in scored.items:
        assert item.scores["fid"][0] == pytest.approx(theirs["frechet_inception_distance"], abs=1e-6)
    assert scored.items[0].sha256 == scored.items[1].sha256
    assert scored.items[1].difference[0] == 0.0
    assert not (here / "sweep.db").exists()


@pytest.mark.slow
def test_the_command_prints_scores_with_errors_and_as_json(here):
    for name, sd in {"a": 10, "b": 40}.items():
        write_folder(here / name, noisy_digits(200 + sd, sd=sd))
    runner = CliRunner()
    printed = runner.invoke(app, ["score", "a", "b", "--against", "digits", "--device", "cpu"])
    assert printed.exit_code == 0, printed.output
    assert "minus a" in printed.stdout
    assert "210 images of each were measured" in printed.stdout
    document = json.loads(
        runner.invoke(app, ["score", "a", "b", "--data", "digits", "--device", "cpu", "--json"]).stdout
    )
    first, second = document["items"]
    assert first["difference"] is None
    assert second["difference"]["low"] > 0
    assert first["scores"]["fid"]["standard_error"] > 0
    assert document["protocol"]["n"] == 210


REFUSED = {
    "nothing there": (["none", "--against", "digits"], 1, "there is nothing at"),
    "unknown data": (["a", "--against", "nope"], 2, "nope"),
    "another size": (["a", "--against", "mnist"], 1, "compared with real images of 28 x 28"),
    "too few": (["a", "--against", "digits", "-n", "50"], 1, "holds 20 images; a score takes 50"),
    "unknown extractor": (["a", "--against", "digits", "--extractor", "vgg"], 2, "vgg"),
}


@pytest.mark.parametrize(("words", "code", "says"), REFUSED.values(), ids=REFUSED)
def test_wrong_input_is_refused_and_nothing_is_written(here, words, code, says):
    write_folder(here / "a", noisy_digits(20, sd=10))
    refused = CliRunner().invoke(app, ["score", *words])
    assert isinstance(refused.exception, (SystemExit, sweep.SweepError)), refused.output
    assert says in refused.output + str(refused.exception)
    assert sorted(path.name for path in here.iterdir()) == ["a"]


@pytest.mark.slow
def test_a_study_of_items_is_planned_scored_and_reported(here):
    rows = {"baseline": 10, "noisy": 12, "noisier": 60}
    items = {
        arm: [str(write_folder(here / f"{arm}-{k}", noisy_digits(80, sd=sd, seed=k))) for k in range(3)]
        for arm, sd in rows.items()
    }
    study = write_study(here / "items.yaml", given_study(items))
    forecast = sweep.plan(study)
    assert (forecast.trainings, forecast.scores, forecast.power, forecast.timing) == (0, 9, None, None)
    assert forecast.notes[0] == "nothing is trained; 9 scores of 1 x 64 images; at least 3 items of each arm"
    assert sweep.launch(study, device="cpu", workers=1).outcome == "complete"
    for path in here.glob("*-0"):
        shutil.rmtree(path)  # workers and reports read what the launch archived
    frames = sweep.frames("items")
    assert set(frames.cells["run_state"]) == {"trained"}
    assert set(frames.cells["steps"]) == {0}
    assert frames.curves.empty
    assert frames.attempts["score_id"].notna().all()
    report = sweep.report("items")
    page = report.paths.html.read_text()
    for absent in ("Learning curves", "Schedules and loss weights", "Parameters", "were trained on", "Ho et al. 2020"):
        assert absent not in page
    for present in ("We scored images that existed: baseline (3 items)", "Welch", "3 items of each"):
        assert present in page
    judged = compare_arms(frames).arms.set_index("arm")
    assert (judged.loc["noisier", "verdict"], judged.loc["noisier", "test"]) == ("worse", "welch-sidak")
    with pytest.raises(UsageError, match="was not trained here"):
        sweep.sample("items", 1, out="images.png")
    listed = CliRunner().invoke(app, ["trials", "repro", "items", "1"])
    assert "was not trained here" in str(listed.exception)
    assert not Path("run-1.json").exists()


def test_a_bad_item_is_refused_at_plan_and_at_launch_and_nothing_is_written(here):
    write_folder(here / "a", noisy_digits(20, sd=10))
    study = write_study(here / "items.yaml", given_study({"baseline": "a", "other": "none.npz"}, n=20))
    for refused in (sweep.plan, sweep.launch):
        with pytest.raises(DataError, match="there is nothing at"):
            refused(study, device="cpu")
    assert sorted(path.name for path in here.iterdir()) == ["a", "items.yaml"]
