from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image

from sweep.config.part_names import Precision
from sweep.config.run import EvalConfig
from sweep.data.dataset import Dataset
from sweep.diffusion.process import Diffusion
from sweep.errors import DataError, Diverged, ProtocolError
from sweep.files.array_hashes import sha256_of_array
from sweep.files.hashes import sha256_of_file
from sweep.nets.cuda_graph import Capture
from sweep.scoring.estimate import estimate
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.generate import generate, sampling_plan
from sweep.scoring.jackknife import difference
from sweep.scoring.reference import held_out_images
from sweep.scoring.score import NetScore, grid_of, score, score_images, summarise, verify
from sweep.training.interfaces import RunContext
from sweep.training.trainer import Training
from tests.helpers.tiny_net import tiny_unet
from tests.helpers.tiny_training import TINY_UNET, tiny

CONFIG = EvalConfig(sampling_steps=3)
SEED = 5
STREAM = SEED * 2**32
"""Of the first noise set of that seed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("score")


@pytest.fixture(scope="module")
def told() -> list[tuple[int, int]]:
    """What the score said of its progress."""
    return []


@pytest.fixture(scope="module")
def result(diffusion: Diffusion, evaluator: Evaluator, folder: Path, told: list[tuple[int, int]]) -> NetScore:
    """An untrained net under a protocol of three noise sets."""
    return score(
        tiny_unet(),
        diffusion,
        CONFIG,
        evaluator,
        target="epsilon",
        seed=SEED,
        folder=folder,
        batch=250,
        on_progress=lambda *now: told.append(now),
    )


def test_an_untrained_net_is_far_from_the_floor(result: NetScore, evaluator: Evaluator) -> None:
    assert result.means["fid"].standard_error is not None
    assert result.means["fid"].value - 10 * result.means["fid"].standard_error > evaluator.bounds.floor
    assert result.means["fid"].value > 0.3 * evaluator.bounds.ceiling
    assert result.suspicion is None or "above uniform noise" in result.suspicion
    assert result.means["precision"].value < 0.2


def test_a_score_says_how_the_net_was_run(result: NetScore) -> None:
    assert result.capture == Capture(False, "it is called eagerly")


def test_each_noise_set_is_scored_by_itself(result: NetScore, told: list[tuple[int, int]]) -> None:
    assert [one.noise_set for one in result.sets] == [0, 1, 2]
    values = [one.measurements.fid for one in result.sets]
    assert len(set(values)) == 3
    assert result.means["fid"].value == pytest.approx(np.mean(values))
    assert len({one.samples_sha256 for one in result.sets}) == 3
    assert all(one.seconds.sampling > 0 and one.seconds.features > 0 for one in result.sets)
    assert told[0] == (250, 1500)
    assert told[-1] == (1500, 1500)


def test_the_images_scored_are_those_of_the_noise_set(result: NetScore, diffusion: Diffusion, folder: Path) -> None:
    plan = sampling_plan(CONFIG, "epsilon")
    images = generate(tiny_unet(), diffusion, plan, shape=(1, 8, 8), n=500, noise_set=STREAM + 1, batch=250)
    assert sha256_of_array(images.numpy()) == result.sets[1].samples_sha256
    with Image.open(folder / result.sets[1].grid.name) as grid:
        assert grid.size == (64, 64)
        np.testing.assert_array_equal(np.asarray(grid), grid_of(images))


def test_files_have_the_hashes_on_record(result: NetScore, folder: Path) -> None:
    for one in result.sets:
        for saved in (one.features, one.logits, one.grid):
            assert sha256_of_file(folder / saved.name) == saved.sha256
        rows = np.load(folder / one.features.name, allow_pickle=False)
        assert (rows.shape, rows.dtype) == ((500, 64), np.float32)


def test_scores_are_recomputed_from_their_files(result: NetScore, evaluator: Evaluator, folder: Path) -> None:
    assert verify(result.sets[2], folder, evaluator.reference) == result.sets[2].measurements


def test_an_invented_number_is_found(result: NetScore, evaluator: Evaluator, folder: Path) -> None:
    one = result.sets[0]
    better = dataclasses.replace(
        one, measurements=dataclasses.replace(one.measurements, fid=one.measurements.fid * 0.99)
    )
    with pytest.raises(ProtocolError, match="The stored fid of noise set 0"):
        verify(better, folder, evaluator.reference)
    other = dataclasses.replace(evaluator.reference, images_sha256="0" * 64)
    with pytest.raises(ProtocolError, match="different protocols"):
        verify(one, folder, other)


def test_altered_features_are_found(result: NetScore, evaluator: Evaluator, folder: Path, tmp_path: Path) -> None:
    one = result.sets[0]
    for saved in (one.features, one.logits):
        (tmp_path / saved.name).write_bytes((folder / saved.name).read_bytes())
    rows = np.load(tmp_path / one.features.name)
    rows[0] += 1
    np.save(tmp_path / one.features.name, rows)
    with pytest.raises(DataError, match="not the file that was scored"):
        verify(one, tmp_path, evaluator.reference)


def test_real_images_posing_as_samples_are_at_the_floor_and_memorised_ones_below_it(
    digits: Dataset, evaluator: Evaluator, tmp_path: Path
) -> None:
    held_out = held_out_images(digits, "train")[:500]
    real = score_images(held_out, evaluator, noise_set=0, folder=tmp_path)
    assert summarise([real], evaluator).suspicion is None
    some = torch.randperm(len(digits.train), generator=torch.Generator().manual_seed(0))[:500]
    memorised = score_images(digits.train[some], evaluator, noise_set=0, folder=tmp_path)
    assert memorised.measurements.fid < real.measurements.fid


def test_a_net_that_diverges_leaves_no_score(diffusion: Diffusion, evaluator: Evaluator, tmp_path: Path) -> None:
    net = tiny_unet()
    with torch.no_grad():
        next(iter(net.parameters())).fill_(float("nan"))
    with pytest.raises(Diverged):
        score(net, diffusion, CONFIG, evaluator, target="epsilon", seed=SEED, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_two_evaluations_of_one_net_pair_by_their_noise(
    result: NetScore, diffusion: Diffusion, evaluator: Evaluator, tmp_path: Path
) -> None:
    # eta 0.1 hardly changes an image; unpaired errors would drown the difference.
    nearly = EvalConfig(sampling_steps=3, eta=0.1)
    images = generate(
        tiny_unet(), diffusion, sampling_plan(nearly, "epsilon"), shape=(1, 8, 8), n=500, noise_set=STREAM, batch=250
    )
    one = score_images(images, evaluator, noise_set=0, folder=tmp_path).measurements
    other = result.sets[0].measurements
    apart = difference(one.fid_jackknife, other.fid_jackknife)
    assert apart.value == pytest.approx(one.fid - other.fid)
    assert apart.standard_error < 0.5 * np.hypot(one.fid_se, other.fid_se)


@pytest.mark.slow
def test_bf16_samples_score_within_the_noise_of_fp32(digits: Dataset, evaluator: Evaluator, tmp_path: Path) -> None:
    # A net that has learned something: of an untrained one, any two sample sets are equally bad.
    config = tiny(steps=300, batch=64, net={**TINY_UNET, "dropout": 0.0}, flip=False, ema_decays=(0.95,))
    run = Training(config, digits, RunContext(folder=tmp_path, attempt="1"))
    for _ in range(config.steps):
        run.advance()
    run.net.load_state_dict(run.averages.weights(0.95))
    diffusion, plan = run.objective.diffusion, sampling_plan(EvalConfig(sampling_steps=5), "epsilon")
    noise_sets = (0, 1)
    told = {
        (precision, noise_set): score_images(
            generate(run.net, diffusion, plan, shape=(1, 8, 8), n=500, noise_set=noise_set, precision=precision),
            evaluator,
            noise_set=noise_set,
            folder=tmp_path,
        ).measurements
        for precision in get_args(Precision)
        for noise_set in noise_sets
    }
    between = abs(told["fp32", 0].fid - told["fp32", 1].fid)
    assert told["fp32", 0].fid < 0.5 * evaluator.bounds.ceiling
    for noise_set in noise_sets:
        fp32, bf16 = told["fp32", noise_set], told["bf16", noise_set]
        assert bf16.fid != fp32.fid
        apart = abs(bf16.fid - fp32.fid)
        print(
            f"noise set {noise_set}: fp32 {fp32.fid:.4f} +- {fp32.fid_se:.4f}, bf16 {bf16.fid:.4f}, sets {between:.4f}"
        )
        assert apart < fp32.fid_se, (apart, fp32.fid_se, between)
        assert abs(bf16.kid - fp32.kid) < fp32.kid_se


def test_error_is_the_larger_of_the_two_that_are_known() -> None:
    # Jackknife of a mean of K sets: sqrt(mean(se^2) / K); between sets: SD / sqrt(K).
    assert estimate([2.0], [0.3]).standard_error == pytest.approx(0.3)
    assert estimate([1.0, 3.0], [0.3, 0.4]).standard_error == pytest.approx(1.0)
    assert estimate([2.0, 2.0], [0.3, 0.4]).standard_error == pytest.approx(np.sqrt(0.125 / 2))
    assert estimate([1.0, 3.0]).standard_error == pytest.approx(1.0)
    assert estimate([1.0]).standard_error is None
    assert estimate([1.0, 3.0]).value == 2


def test_grid_is_row_by_row_and_black_where_images_lack() -> None:
    images = torch.arange(10, dtype=torch.uint8).view(10, 1, 1, 1).expand(10, 3, 2, 2) + 100
    grid = grid_of(images)
    assert grid.shape == (16, 16, 3)
    assert (grid[0, ::2, 0] == np.arange(100, 108)).all()
    assert (grid[2:4, 2:4] == 109).all()
    assert (grid[4:] == 0).all()
