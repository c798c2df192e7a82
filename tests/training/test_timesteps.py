from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from sweep.training.timesteps import HISTORY, ImportanceSampler, draw_shares

CPU = torch.device("cpu")


def filled(history: list[list[float]]) -> ImportanceSampler:
    sampler = ImportanceSampler(len(history), CPU)
    for k in range(len(history[0])):
        sampler.update(torch.arange(len(history)), torch.tensor([row[k] for row in history]))
    return sampler


def test_t_is_uniform_until_each_has_ten_values() -> None:
    sampler = filled([[1.0] * 9, [100.0] * 9, [1.0] * 9, [1.0] * 9])
    assert sampler.probabilities.tolist() == pytest.approx([0.25] * 4)
    sampler.update(torch.tensor([0, 1, 2]), torch.ones(3))
    assert sampler.probabilities.tolist() == pytest.approx([0.25] * 4)
    i, weight = sampler.draw(draw_shares(0, 1, 64))
    assert set(i.tolist()) == {0, 1, 2, 3}
    assert torch.equal(weight, torch.ones(64))


def test_p_is_the_root_mean_square_of_the_last_ten() -> None:
    history = np.random.default_rng(0).lognormal(size=(5, 13)).astype(np.float32)
    # Nichol & Dhariwal 2021, eq. 18, with the released code's 0.1 % uniform share.
    size = np.sqrt((history[:, -HISTORY:].astype(np.float64) ** 2).mean(1))
    expected = 0.999 * size / size.sum() + 0.001 / 5
    assert filled(history.tolist()).probabilities.tolist() == pytest.approx(expected.tolist(), rel=1e-6)


def test_repeats_within_a_batch_are_taken_in_order() -> None:
    one_by_one, together = filled([[1.0] * 10, [2.0] * 10]), filled([[1.0] * 10, [2.0] * 10])
    i, terms = torch.tensor([0, 1, 0, 0, 1]), torch.tensor([3.0, 4.0, 5.0, 6.0, 7.0])
    for k in range(5):
        one_by_one.update(i[k : k + 1], terms[k : k + 1])
    together.update(i, terms)
    assert torch.equal(together.state_dict()["values"], one_by_one.state_dict()["values"])
    # Of 25 values at once, the last ten.
    together.update(torch.zeros(25, dtype=torch.int64), torch.arange(25.0))
    assert sorted(together.state_dict()["values"][0].tolist()) == list(range(15, 25))
    assert together.state_dict()["counts"].tolist() == [10 + 3 + 25, 10 + 2]


def test_weights_keep_the_mean_unbiased_and_terms_even_out() -> None:
    sizes = [1.0, 2.0, 5.0, 0.5]
    sampler = filled([[size] * 10 for size in sizes])
    i, weight = sampler.draw(draw_shares(0, 1, 40_000))
    shares = torch.bincount(i, minlength=4) / len(i)
    assert shares.tolist() == pytest.approx(sampler.probabilities.tolist(), abs=0.01)
    losses = torch.tensor(sizes)[i] * weight
    # Uniform t has the mean 2.125 and the standard deviation 1.74; drawn by size, hardly any.
    assert losses.mean().item() == pytest.approx(2.125, rel=2e-3)
    assert losses.std().item() < 0.02


def test_a_state_put_back_draws_the_same() -> None:
    sampler, other = filled([[1.0] * 10, [3.0] * 10]), ImportanceSampler(2, CPU)
    other.load_state_dict(copy.deepcopy(sampler.state_dict()))
    for step in (1, 2):
        assert torch.equal(sampler.draw(draw_shares(5, step, 50))[0], other.draw(draw_shares(5, step, 50))[0])
    assert not torch.equal(sampler.draw(draw_shares(5, 1, 50))[0], sampler.draw(draw_shares(6, 1, 50))[0])
