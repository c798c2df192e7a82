from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sweep.config.run import EvalConfig
from sweep.data.dataset import Dataset
from sweep.data.pixels import to_model_range
from sweep.diffusion.process import Diffusion
from sweep.errors import Diverged
from sweep.scoring.evaluated_net import EvaluatedNet, ExtraNumber
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.extra_metrics import measure_extra_metrics, nearest_images
from sweep.scoring.score import score_images


class SaysX0(nn.Module):
    """Predicts one image as x_0, whatever it is shown."""

    def __init__(self, x0: Tensor) -> None:
        super().__init__()
        self.x0 = nn.Parameter(x0, requires_grad=False)

    def forward(self, x: Tensor, i: Tensor) -> Tensor:
        assert len(i) == len(x)
        assert not self.training
        return self.x0.expand_as(x)


@pytest.fixture
def subject(
    digits: Dataset, diffusion: Diffusion, evaluator: Evaluator, extractors: Path, tmp_path: Path
) -> EvaluatedNet:
    """A net that says the first training image, asked for nothing."""
    return EvaluatedNet(
        net=SaysX0(to_model_range(digits.train[:1])),
        diffusion=diffusion,
        config=EvalConfig(sampling_steps=5),
        target="x0",
        seed=0,
        evaluator=evaluator,
        dataset=digits,
        scored=(),
        folder=tmp_path,
        references=extractors,
        batch=64,
    )


def asked(subject: EvaluatedNet, **config: object) -> tuple[dict[str, ExtraNumber], dict[str, np.ndarray]]:
    told = EvalConfig.model_validate(subject.config.model_dump() | config)
    further = measure_extra_metrics(dataclasses.replace(subject, config=told))
    pictures = {kind: np.asarray(Image.open(subject.folder / file.name)) for kind, file in further.files}
    return {found.name: found for found in further.numbers}, pictures


def of_one_image(subject: EvaluatedNet) -> EvaluatedNet:
    """The test split is that image, so that the net is the perfect predictor."""
    copies = subject.dataset.train[:1].expand(40, -1, -1, -1)
    return dataclasses.replace(subject, dataset=dataclasses.replace(subject.dataset, test=copies))


def test_nothing_is_measured_unless_asked_for(subject: EvaluatedNet) -> None:
    assert asked(subject) == ({}, {})
    assert list(subject.folder.iterdir()) == []


def test_a_perfect_predictor_pays_the_constant_of_its_variance_alone(subject: EvaluatedNet) -> None:
    perfect, T = of_one_image(subject), subject.diffusion.timesteps
    small, _ = asked(perfect, bits_per_dim=T, variance="fixed_small")
    large, _ = asked(perfect, bits_per_dim=T, variance="fixed_large")
    assert small["bits_per_dim_kl"].value == pytest.approx(0.0, abs=1e-5)
    # Ho et al. 2020, eq. 12: C = (ln(beta / beta~) - 1 + beta~ / beta) / 2 for each t > 1, in nats.
    beta = np.linspace(1e-3, 0.2, T)
    alphas_bar = np.cumprod(1 - beta)
    ratio = (1 - alphas_bar[:-1]) / (1 - alphas_bar[1:])
    constant = float(np.sum(-np.log(ratio) - 1 + ratio) / 2 / math.log(2))
    assert large["bits_per_dim_kl"].value == pytest.approx(constant, rel=1e-3)
    terms = [large[f"bits_per_dim_{term}"].value for term in ("reconstruction", "kl", "prior")]
    assert large["bits_per_dim"].value == pytest.approx(sum(terms), rel=1e-5)
    assert large["bits_per_dim"].standard_error is not None


def test_copies_are_nearer_to_the_train_split_than_to_the_test_split(subject: EvaluatedNet, digits: Dataset) -> None:
    scored = score_images(digits.train[:500], subject.evaluator, noise_set=0, folder=subject.folder)
    numbers, _ = asked(dataclasses.replace(subject, scored=(scored,)), fid_test=True)
    extract = subject.evaluator.extractor.extract
    a, b = (extract(images).penultimate.astype(np.float64) for images in (digits.train[:500], digits.test))
    S_a, S_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    # Heusel et al. 2017, eq. 6; tr sqrt(S_a S_b) from the eigenvalues of the product, which are real and >= 0.
    root = np.sqrt(np.clip(np.linalg.eigvals(S_a @ S_b).real, 0, None)).sum()
    expected = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(S_a) + np.trace(S_b) - 2 * root
    assert numbers["fid_test"].value == pytest.approx(expected, rel=1e-3)
    assert numbers["fid_test"].value > scored.measurements.fid
    assert numbers["fid_test"].standard_error is not None


def test_nearest_images_are_those_of_brute_force(digits: Dataset) -> None:
    images, train = digits.test[:7], digits.train[:50]
    near, which = nearest_images(images, train, k=3)
    a, b = (part.double().flatten(1).numpy() / 127.5 for part in (images, train))
    every = np.sqrt(((a[:, None] - b[None]) ** 2).mean(2))
    np.testing.assert_array_equal(which.numpy(), every.argsort(axis=1, kind="stable")[:, :3])
    np.testing.assert_allclose(near.numpy(), np.sort(every, axis=1)[:, :3], rtol=1e-5)


def test_memorised_samples_have_ratio_0_and_stand_beside_their_originals(subject: EvaluatedNet) -> None:
    numbers, pictures = asked(subject, neighbours=20)
    assert numbers["neighbour_distance"].value == 0.0
    assert numbers["neighbour_ratio"].value == 0.0
    picture = pictures["neighbours"]
    assert picture.shape == (16 * 8, 6 * 8)
    np.testing.assert_array_equal(picture[:, :8], picture[:, 8:16])


def test_unseen_images_have_ratio_1(subject: EvaluatedNet, digits: Dataset) -> None:
    """The net says a test image, and the test split is that image."""
    one = digits.test[:1]
    dataset = dataclasses.replace(digits, test=one.expand(20, -1, -1, -1))
    numbers, _ = asked(dataclasses.replace(subject, net=SaysX0(to_model_range(one)), dataset=dataset), neighbours=20)
    assert numbers["neighbour_ratio"].value == pytest.approx(1.0)


def test_what_survives_noising_is_what_the_net_knows(subject: EvaluatedNet, digits: Dataset) -> None:
    numbers, pictures = asked(subject, partial_noising=[1, 30, 100])
    # DDIM's last step goes to the predicted x_0 (Song et al. 2021, eq. 12, with alphas_bar_0 = 1).
    test, said = (part.double() / 127.5 for part in (digits.test[:256], digits.train[:1]))
    expected = float((test - said).square().mean())
    for s in (1, 30, 100):
        assert numbers[f"noised_s{s}_mse"].value == pytest.approx(expected, rel=1e-3)
        assert numbers[f"noised_s{s}_features"].value > 0
    assert pictures["partial_noising"].shape == (4 * 8, 16 * 8)
    perfect, _ = asked(of_one_image(subject), partial_noising=[100])
    assert perfect["noised_s100_mse"].value == 0.0
    assert perfect["noised_s100_features"].value == 0.0


def test_numbers_that_are_not_finite_are_no_score(subject: EvaluatedNet) -> None:
    broken = dataclasses.replace(subject, net=SaysX0(torch.full((1, 1, 8, 8), float("nan"))))
    for ask in ({"bits_per_dim": 5}, {"neighbours": 20}, {"partial_noising": [50]}):
        with pytest.raises(Diverged):
            asked(broken, **ask)
