from __future__ import annotations

import hashlib
import timeit
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sweep.training.seeding import Purpose, batch_indices, dropout_stream, generator, stream_seed

CPU = torch.device("cpu")


def test_a_stream_is_the_hash_of_its_name_for_ever() -> None:
    # Computed here from the bytes: sha256, first eight, without the sign bit.
    digest = hashlib.sha256(b'["training",7,"noise",3]').digest()
    assert stream_seed(7, "noise", 3) == int.from_bytes(digest[:8], "big") >> 1


def test_streams_differ_in_seed_purpose_and_step() -> None:
    seeds = {stream_seed(s, p, k) for s in range(5) for p in get_args(Purpose) for k in range(50)}
    assert len(seeds) == 5 * len(get_args(Purpose)) * 50
    # torch's CPU generator reads the low half only: these must differ as well.
    assert len({seed & 0xFFFFFFFF for seed in seeds}) == len(seeds)


def test_a_stream_does_not_depend_on_what_was_drawn_before() -> None:
    first = torch.randn(3, generator=generator(1, "noise", 5))
    torch.randn(100, generator=generator(1, "noise", 4))
    assert torch.equal(first, torch.randn(3, generator=generator(1, "noise", 5)))


def test_a_generator_costs_less_than_20_microseconds() -> None:
    runs = timeit.repeat(lambda: generator(1, "noise", 5), number=100, repeat=20)
    assert min(runs) / 100 < 20e-6


@given(seed=st.integers(0, 2**62), batch=st.integers(1, 40), count=st.integers(1, 25), steps=st.integers(1, 12))
def test_every_image_comes_once_an_epoch(seed: int, batch: int, count: int, steps: int) -> None:
    seen = torch.cat([batch_indices(seed, step, batch, count) for step in range(1, steps + 1)])
    assert seen.shape == (steps * batch,)
    for epoch in range(len(seen) // count):
        assert sorted(seen[epoch * count : (epoch + 1) * count].tolist()) == list(range(count))


def test_a_batch_straddles_two_epochs() -> None:
    epochs = [batch_indices(3, epoch + 1, 10, 10) for epoch in range(2)]
    assert batch_indices(3, 3, 4, 10).tolist() == [*epochs[0][8:].tolist(), *epochs[1][:2].tolist()]


def test_epochs_and_seeds_have_their_own_orders() -> None:
    orders = {tuple(batch_indices(seed, epoch, 20, 20).tolist()) for seed in range(3) for epoch in range(1, 4)}
    assert len(orders) == 9


def test_dropout_is_a_function_of_seed_and_step() -> None:
    def mask(seed: int, step: int) -> torch.Tensor:
        with dropout_stream(seed, step, CPU):
            return torch.nn.functional.dropout(torch.ones(64), 0.5)

    first = mask(1, 1)
    torch.rand(10)
    assert torch.equal(first, mask(1, 1))
    assert not torch.equal(first, mask(1, 2))
    assert not torch.equal(first, mask(2, 1))


def test_dropout_stream_leaves_the_default_generator_as_it_was() -> None:
    before = torch.get_rng_state()
    with dropout_stream(1, 1, CPU):
        torch.rand(3)
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(ZeroDivisionError), dropout_stream(1, 1, CPU):
        _ = 1 / 0
    assert torch.equal(before, torch.get_rng_state())
