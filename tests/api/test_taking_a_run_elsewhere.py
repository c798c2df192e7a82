"""Images and weights of a trained run: `sweep sample`, `sweep export model`, and what diffusers makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

import sweep
from sweep.api.model_export import export_model
from sweep.api.trained_run import trained_run
from sweep.cli.app import app
from sweep.errors import SweepError, UsageError
from sweep.files.file_store import FileStore
from sweep.scoring.generate import generate, sampling_plan
from sweep.worker.trained_net import diffusion_of, read_weights, trained_net
from tests.helpers.trained_store import trained_study


def images_of(folder: Path, *, n: int, seed: int = 0, **settings: object) -> torch.Tensor:
    """What the scorer draws, uint8 [N, C, H, W]."""
    run = trained_run("small", 1)
    evaluation = run.evaluation_with(settings)
    weights = read_weights(run.train, evaluation, run.weights, FileStore(folder / "files"))
    net = trained_net(run.train, weights, channels=1, size=8)
    plan = sampling_plan(evaluation, run.train.target)
    return generate(net, diffusion_of(run.train), plan, shape=(1, 8, 8), n=n, noise_set=seed)


@pytest.mark.slow
def test_samples_are_the_images_of_the_scorer_in_all_three_forms(here):
    trained_study(here)
    expected = images_of(here, n=5)[:, 0].numpy()
    assert len(np.unique(expected)) > 20
    sweep.sample("small", 1, n=5, out="a/array.npz", device="cpu")
    array = np.load("a/array.npz")["arr_0"]
    assert (array.shape, array.dtype) == ((5, 8, 8, 1), np.uint8)
    np.testing.assert_array_equal(array[..., 0], expected)
    sweep.sample("small", 1, n=5, out="files-of-images", device="cpu")
    names = sorted(path.name for path in Path("files-of-images").iterdir())
    assert names == [f"0000{index}.png" for index in range(5)]
    np.testing.assert_array_equal(np.stack([Image.open(Path("files-of-images", name)) for name in names]), expected)
    words = [
        "sample",
        "small",
        "1",
        "-n",
        "5",
        "-o",
        "grid.png",
        "--device",
        "cpu",
        "--sampler",
        "heun",
        "--steps",
        "3",
    ]
    result = CliRunner().invoke(app, [*words, "--seed", "7", "-s", "ema_decay=0"])
    assert (result.exit_code, result.stdout.strip()) == (0, "grid.png"), result.output
    grid = np.array(Image.open("grid.png"))[::8, ::8]  # 8 pixels are shown as 64
    assert grid.shape == (2 * 8, 3 * 8)
    other = images_of(here, n=5, seed=7, sampler="heun", sampling_steps=3, ema_decay=0.0)[:, 0].numpy()
    np.testing.assert_array_equal(grid[8:, 8:16], other[4])
    assert not grid[8:, 16:].any()
    assert (other != expected).any()


WRONG = {
    "no run": ({"run": 9}, "has no run 9"),
    "no sampler": ({"settings": {"sampler": "hein"}}, "sampler: found 'hein'; did you mean 'heun'"),
    "no setting": ({"settings": {"steps": 3}}, "no setting of sampling named 'steps'"),
    "more steps than T": ({"settings": {"sampling_steps": 51}}, "51"),
    "an average that was not kept": ({"settings": {"ema_decay": 0.5}}, "no average of decay 0.5"),
    "no image": ({"n": 0}, "n = 0 images"),
    "a file that is there": ({"out": "sweep.db"}, "is there already"),
    "no seed": ({"seed": -1}, "seed -1 is not between"),
}


@pytest.mark.parametrize(("arguments", "says"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_drawn_is_refused(here, arguments, says):
    trained_study(here)
    with pytest.raises(SweepError) as caught:
        sweep.sample(**{"name": "small", "run": 1, "n": 2, "out": "out.npz", "device": "cpu"} | arguments)
    assert says in str(caught.value), str(caught.value)
    assert not Path("out.npz").exists()


def test_an_exported_file_holds_the_weights_that_were_scored_and_a_card(here):
    trained_study(here)
    folder = export_model("small", 1)
    weights = load_file(folder / "model.safetensors")
    run = trained_run("small", 1)
    scored = read_weights(run.train, run.evaluation, run.weights, FileStore(here / "files"))
    assert set(weights) == set(scored)
    assert all(torch.equal(weights[name], scored[name]) for name in scored)
    config = json.loads((folder / "config.json").read_text())
    assert config["train_key"] == run.cells[0].train_key
    card = (folder / "README.md").read_text()
    assert "| FCD-eeeeeeee@64 | 12.5 | 0.25 |" in card
    assert "Is it?" in card
    assert run.cells[0].train_key in card
    with pytest.raises(UsageError, match="is there already"):
        export_model("small", 1)


PLANS = {
    "ddim": {},
    "ddim with noise": {"eta": 0.7, "spacing": "leading"},
    "ancestral": {"sampler": "ancestral", "sampling_steps": 12},
    "ancestral, large variance": {"sampler": "ancestral", "variance": "fixed_large", "x0_clip": "none"},
    "heun": {"sampler": "heun"},
    "dpmpp_2m": {"sampler": "dpmpp_2m", "x0_clip": "dynamic"},
}


def drawn_by_diffusers(folder: Path, n: int, seed: int) -> torch.Tensor:
    from diffusers import DiffusionPipeline

    pipeline = DiffusionPipeline.from_pretrained(str(folder), trust_remote_code=True)
    pipeline.set_progress_bar_config(disable=True)
    assert type(pipeline.unet).__name__ == "UNet2DModel"
    return pipeline(batch_size=n, seed=seed, output_type="uint8").images


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_pipeline_of_diffusers_draws_our_images_by_every_sampler(here):
    trained_study(here, net={"preset": "unet_8", "channels": 8, "heads": 2})
    for index, settings in enumerate(PLANS.values()):
        folder = export_model("small", 1, format="diffusers", out=f"pipeline-{index}", settings=settings)
        expected = images_of(here, n=12, seed=3, **settings)
        assert torch.equal(drawn_by_diffusers(folder, 12, 3), expected), settings


@pytest.mark.slow
@pytest.mark.parametrize("target", ["x0", "epsilon"])
def test_a_net_that_predicts_something_else_or_its_variance_is_exported(here, target):
    learned = {"learned_variance": True, "objective": "hybrid", "sampler": "ancestral", "variance": "learned_range"}
    trained_study(here, target=target, **learned)
    folder = export_model("small", 1, format="diffusers")
    assert torch.equal(drawn_by_diffusers(folder, 6, 0), images_of(here, n=6))


def test_a_net_that_diffusers_does_not_know_is_refused_and_nothing_is_left(here):
    trained_study(here, net="mlp_small")
    with pytest.raises(UsageError, match="a net of kind mlp, which diffusers does not know"):
        export_model("small", 1, format="diffusers")
    assert not Path("small-run-1").exists()
    assert export_model("small", 1).is_dir()


def test_nothing_is_pushed_without_a_token(here, monkeypatch):
    trained_study(here)
    monkeypatch.setenv("HF_TOKEN_PATH", str(here / "none"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(UsageError, match="hub is not configured"):
        export_model("small", 1, push="me/digits")
    assert not Path("small-run-1").exists()


def test_the_command_exports_tables_and_models(here):
    trained_study(here)
    result = CliRunner().invoke(app, ["export", "model", "small", "1", "-o", "model", "-s", "ema_decay=0"])
    assert (result.exit_code, result.stdout.strip()) == (0, "model"), result.output
    assert "differ from those that were scored" in Path("model", "README.md").read_text()
    tables = CliRunner().invoke(app, ["export", "-o", "tables", "small", "--format", "csv"])
    assert tables.exit_code == 0, tables.output
    assert Path("tables", "scores.csv").is_file()
