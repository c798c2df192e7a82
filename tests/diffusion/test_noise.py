from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
import torch
from scipy import stats

from sweep.diffusion.noise import philox4x32, sample_noise, sample_uniform

# Source: Random123 kat_vectors, lines "philox4x32 10": counter, key, answer
KNOWN_ANSWERS = [
    ((0x00000000,) * 4, (0x00000000,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
DEVICES = ["cpu"] + ["cuda"] * torch.cuda.is_available()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_known_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], answer: tuple[int, ...], device: str
) -> None:
    c = [torch.tensor([word], device=device) for word in counter]
    assert [word.item() for word in philox4x32((c[0], c[1], c[2], c[3]), key)] == list(answer)


def test_against_numpy_integers() -> None:
    """Whole blocks against a Philox written with exact Python integers."""

    def reference(c: list[int], k: list[int]) -> list[int]:
        for _ in range(10):
            p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [(p1 >> 32) ^ c[1] ^ k[0], p1 % 2**32, (p0 >> 32) ^ c[3] ^ k[1], p0 % 2**32]
            k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
        return c

    words = np.random.default_rng(0).integers(0, 2**32, (200, 6))
    columns = torch.from_numpy(words[:, :4]).unbind(1)
    for n, key in enumerate(words[:5, 4:].tolist()):
        ours = torch.stack(philox4x32((columns[0], columns[1], columns[2], columns[3]), (key[0], key[1])), dim=1)
        assert ours[n * 40].tolist() == reference(words[n * 40, :4].tolist(), key)
        assert ours[199 - n].tolist() == reference(words[199 - n, :4].tolist(), key)


class TestAddress:
    def test_same_in_any_batch(self) -> None:
        whole = sample_noise(3, torch.arange(100), 5, (3, 5, 7), "cpu")
        parts = [sample_noise(3, part, 5, (3, 5, 7), "cpu") for part in torch.arange(100).split(13)]
        assert torch.equal(whole, torch.cat(parts))
        shuffled = torch.tensor([70, 2, 99, 2])
        assert torch.equal(sample_noise(3, shuffled, 5, (3, 5, 7), "cpu"), whole[shuffled])

    def test_same_in_any_shape(self) -> None:
        index = torch.arange(4)
        assert torch.equal(
            sample_noise(0, index, 0, (3, 4, 4), "cpu").flatten(1), sample_noise(0, index, 0, (48,), "cpu")
        )

    def test_every_part_of_the_address_counts(self) -> None:
        index = torch.tensor([0, 1, 2**32, 2**40])
        rows = [
            sample_noise(noise_set, index, draw, (8,), "cpu")
            for noise_set in (0, 1, 2**32, 2**63)
            for draw in (0, 1, 2**8, 2**16, 2**32 - 1)
        ]
        values = torch.cat(rows).flatten()
        assert len(values.unique()) == len(values)

    def test_pinned(self) -> None:
        """The stream is part of what a stored score means: it may never move.

        Source: Box-Muller of the first known answer above, by hand.
        """
        u = [(word + 0.5) / 2**32 for word in KNOWN_ANSWERS[0][2]]
        radius = [math.sqrt(-2 * math.log(u[0])), math.sqrt(-2 * math.log(u[2]))]
        expected = [
            radius[0] * math.cos(2 * math.pi * u[1]),
            radius[0] * math.sin(2 * math.pi * u[1]),
            radius[1] * math.cos(2 * math.pi * u[3]),
            radius[1] * math.sin(2 * math.pi * u[3]),
        ]
        drawn = sample_noise(0, torch.tensor([0]), 0, (4,), "cpu")[0]
        assert drawn.tolist() == pytest.approx(expected, rel=1e-6)

    @pytest.mark.parametrize("device", DEVICES)
    def test_same_on_any_device(self, device: str) -> None:
        index = torch.arange(64)
        here = sample_noise(1, index, 2, (3, 32, 32), "cpu")
        there = sample_noise(1, index, 2, (3, 32, 32), device).cpu()
        assert torch.allclose(here, there, rtol=3e-7, atol=1e-9)

    def test_uniform_shares_the_address(self) -> None:
        index = torch.arange(2000)
        u = sample_uniform(0, index, 9, (10,), "cpu")
        assert stats.kstest(u.flatten().numpy(), "uniform").pvalue > 1e-3
        assert torch.equal(u[5:7], sample_uniform(0, torch.tensor([5, 6]), 9, (10,), "cpu"))

    def test_bad_addresses(self) -> None:
        with pytest.raises(AssertionError):
            sample_noise(-1, torch.arange(2), 0, (4,), "cpu")
        with pytest.raises(AssertionError):
            sample_noise(0, torch.arange(2), 2**32, (4,), "cpu")
        with pytest.raises(AssertionError):
            sample_noise(0, torch.tensor([0.0]), 0, (4,), "cpu")


def standard_normal(values: np.ndarray) -> bool:
    """Mean 0, variance 1, kurtosis 3, each within 5 standard errors."""
    n = values.size
    kurtosis = ((values - values.mean()) ** 4).mean() / values.var() ** 2
    return bool(
        abs(values.mean()) < 5 / math.sqrt(n)
        and abs(values.var() - 1) < 5 * math.sqrt(2 / n)
        and abs(kurtosis - 3) < 5 * math.sqrt(24 / n)
    )


class TestDistribution:
    values = sample_noise(11, torch.arange(2000), 0, (3, 10, 10), "cpu")

    def test_moments(self) -> None:
        assert standard_normal(self.values.double().numpy())

    def test_the_moments_tell_rand_from_randn(self) -> None:
        generator = torch.Generator().manual_seed(0)
        uniform = torch.rand(600_000, generator=generator).double().numpy()
        assert not standard_normal(uniform)
        assert not standard_normal((uniform - 0.5) * math.sqrt(12))  # mean 0 and variance 1, kurtosis 1.8
        assert standard_normal(torch.randn(600_000, generator=generator).double().numpy())

    def test_kolmogorov_smirnov_and_tails(self) -> None:
        flat = self.values.flatten().double().numpy()
        assert stats.kstest(flat, "norm").pvalue > 1e-3
        beyond_3 = int((np.abs(flat) > 3).sum())
        expected = len(flat) * 2 * stats.norm.sf(3)
        assert abs(beyond_3 - expected) < 5 * math.sqrt(expected)
        assert np.isfinite(flat).all()

    def test_nothing_correlates(self) -> None:
        index = torch.arange(4000)
        streams = {
            "set 0": sample_noise(0, index, 0, (16,), "cpu"),
            "set 1": sample_noise(1, index, 0, (16,), "cpu"),
            "draw 1": sample_noise(0, index, 1, (16,), "cpu"),
            "next index": sample_noise(0, index + 1, 0, (16,), "cpu"),
            "next element": sample_noise(0, index, 0, (17,), "cpu")[:, 1:],
            "second of a pair": sample_noise(0, index, 0, (16,), "cpu").roll(1, 1),
        }
        bound = 5 / math.sqrt(4000 * 16)
        for (name_a, a), (name_b, b) in combinations(streams.items(), 2):
            for f in (lambda z: z, torch.abs):  # |z|: pairs of Box-Muller share a radius
                x, y = f(a) - f(a).mean(), f(b) - f(b).mean()
                assert abs((x * y).mean() / (x.std() * y.std())) < bound, (name_a, name_b)
