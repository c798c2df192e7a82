from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from sweep.config.run import EvalConfig
from sweep.data.dataset import Dataset
from sweep.diffusion.process import Diffusion
from sweep.scoring.class_scores import class_scores
from sweep.scoring.evaluated_net import EvaluatedNet
from sweep.scoring.evaluator import Evaluator
from sweep.scoring.frechet import feature_moments, frechet_distance
from sweep.scoring.metrics import Direction, class_of_metric, metric_of
from sweep.scoring.sample_labels import sample_labels
from sweep.scoring.score import score_images
from tests.helpers.tiny_net import tiny_unet

SEED = 3


def test_each_class_is_compared_with_its_own_reference_images(
    digits: Dataset, diffusion: Diffusion, evaluator: Evaluator, extractors: Path, tmp_path: Path
) -> None:
    """Real images pose as samples: of their own class first, then of the wrong one for two classes."""
    labels, protocol = sample_labels(digits, "train"), evaluator.protocol
    assert digits.train_labels is not None
    found = {}
    for name, swap in (("right", {}), ("swapped", {1: 7, 7: 1})):
        sets, features, of_class = [], [], []
        for noise_set in protocol.noise_sets:
            drawn = labels.of(protocol.noise_stream(noise_set, seed=SEED), torch.arange(protocol.n))
            shown = [swap.get(int(label), int(label)) for label in drawn]
            draws = np.random.default_rng(noise_set)
            index = [int(draws.choice(np.flatnonzero(digits.train_labels.numpy() == label))) for label in shown]
            images = digits.train[index]
            sets.append(score_images(images, evaluator, noise_set=noise_set, folder=tmp_path / name))
            features.append(evaluator.extractor.extract(images).penultimate)
            of_class.append(drawn.numpy())
        evaluated = EvaluatedNet(
            net=tiny_unet(),
            diffusion=diffusion,
            config=EvalConfig(),
            target="epsilon",
            seed=SEED,
            evaluator=evaluator,
            dataset=digits,
            scored=tuple(sets),
            folder=tmp_path / name,
            references=extractors,
            labels=labels,
        )
        found[name] = {number.name: number for number in class_scores(evaluated, labels).numbers}
        own = np.concatenate(features)[np.concatenate(of_class) == 4]
        reference = evaluator.extractor.extract(digits.train[digits.train_labels == 4]).penultimate
        by_hand = frechet_distance(feature_moments(own), feature_moments(reference))
        assert found[name]["fid_class4"].value == pytest.approx(by_hand, rel=1e-4)
    assert {f"kid_class{label}" for label in range(10)} <= found["right"].keys()
    for label in range(10):
        kids = [found[name][f"kid_class{label}"] for name in ("right", "swapped")]
        assert kids[0].standard_error is not None
        assert abs(kids[0].value) < 5 * kids[0].standard_error + 0.02
        assert (kids[1].value > 1.0) == (label in (1, 7))


def test_a_score_of_a_class_is_known_by_its_name() -> None:
    assert class_of_metric("kid_class12") == ("kid", 12)
    assert class_of_metric("kid") is None
    assert metric_of("fid_class3").direction is Direction.LOWER
    assert metric_of("fid_class3").label == "Frechet distance of class 3"
