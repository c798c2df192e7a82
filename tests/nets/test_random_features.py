from __future__ import annotations

import pytest
import torch

from sweep.nets.random_features import RandomFeatures, perceptual_distance


def images(count: int = 4, channels: int = 1) -> torch.Tensor:
    return torch.randn(count, channels, 8, 8, generator=torch.Generator().manual_seed(0))


def test_weights_are_the_same_always_and_never_trained() -> None:
    torch.manual_seed(1)
    first = RandomFeatures(1)
    torch.manual_seed(2)
    for a, b in zip(first.parameters(), RandomFeatures(1).parameters(), strict=True):
        assert torch.equal(a, b)
        assert not a.requires_grad
    assert len(list(first.parameters())) == 3


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_unit_vectors_at_three_sizes(channels: int) -> None:
    features = RandomFeatures(channels)(images(channels=channels))
    assert [tuple(f.shape[1:]) for f in features] == [(32, 8, 8), (64, 4, 4), (128, 2, 2)]
    for f in features:
        torch.testing.assert_close(f.norm(dim=1), torch.ones_like(f[:, 0]), rtol=1e-4, atol=1e-4)


def test_distance_is_0_to_itself_symmetric_and_grows_with_distortion() -> None:
    net, x = RandomFeatures(1), images()
    assert torch.equal(perceptual_distance(net, x, x), torch.zeros(4))
    other = images().flip(0)
    torch.testing.assert_close(perceptual_distance(net, x, other), perceptual_distance(net, other, x))
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    near, far = (perceptual_distance(net, x, x + size * noise).mean() for size in (0.1, 1.0))
    assert 0 < 10 * near < far


def test_gradients_reach_the_image_and_are_finite_even_at_0() -> None:
    net, x = RandomFeatures(1), torch.zeros(2, 1, 8, 8, requires_grad=True)
    perceptual_distance(net, x, images(2)).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
