from __future__ import annotations

import numpy as np
import pytest
import torch

from sweep.diffusion.noise import sample_noise
from sweep.diffusion.process import Diffusion
from sweep.diffusion.reverse import X0_CLIPS, reverse_distribution, split_output
from sweep.diffusion.schedules import beta_schedule

Z = sample_noise(0, torch.arange(3), 0, (3, 8, 8), "cpu")


class TestClips:
    def test_static_and_none(self) -> None:
        assert torch.equal(X0_CLIPS["static"](2 * Z), (2 * Z).clamp(-1, 1))
        assert torch.equal(X0_CLIPS["none"](2 * Z), 2 * Z)

    def test_dynamic_against_numpy_quantiles(self) -> None:
        x0 = torch.cat([0.1 * Z[:1], 3 * Z[1:]])
        clipped = X0_CLIPS["dynamic"](x0)
        s = np.quantile(np.abs(x0.numpy()).reshape(3, -1), 0.995, axis=1, method="closest_observation").clip(min=1)
        expected = np.clip(x0.numpy(), -s.reshape(3, 1, 1, 1), s.reshape(3, 1, 1, 1)) / s.reshape(3, 1, 1, 1)
        assert np.allclose(clipped, expected, atol=0.02)
        assert torch.equal(clipped[0], x0[0])  # within [-1, 1] nothing changes
        assert clipped.abs().amax((1, 2, 3))[1:].tolist() == pytest.approx([1.0, 1.0])

    @pytest.mark.parametrize("clip", X0_CLIPS)
    def test_each_image_by_itself(self, clip: str) -> None:
        assert torch.equal(X0_CLIPS[clip](3 * Z)[1:2], X0_CLIPS[clip](3 * Z[1:2]))


def test_split_output() -> None:
    prediction, raw = split_output(Z.bfloat16(), 3)
    assert raw is None
    assert prediction.dtype == torch.float32
    prediction, raw = split_output(torch.cat([Z, 2 * Z], dim=1), 3)
    assert raw is not None
    assert torch.equal(prediction, Z)
    assert torch.equal(raw, 2 * Z)
    with pytest.raises(AssertionError):
        split_output(Z, 2)


class TestClippingBeforeUse:
    """w86763777/pytorch-ddpm#9: the mean made of the x_0 that was not clipped, and the clipped one thrown away."""

    diffusion = Diffusion.from_betas(beta_schedule("linear", 1000))
    i = torch.tensor([10, 500, 999])

    def test_mean_stays_in_the_hull_of_the_posterior(self) -> None:
        huge = 1e3 * Z
        reverse = reverse_distribution(
            self.diffusion, huge, Z, self.i, target="epsilon", variance="fixed_small", x0_clip="static"
        )
        assert reverse.x0.abs().max() <= 1
        low, _, _ = self.diffusion.q_posterior(-torch.ones_like(Z), Z, self.i)
        high, _, _ = self.diffusion.q_posterior(torch.ones_like(Z), Z, self.i)
        assert (reverse.mean >= low).all()
        assert (reverse.mean <= high).all()

    def test_the_wrong_order_leaves_the_hull(self) -> None:
        b, a = self.diffusion.at(self.diffusion.betas, self.i), self.diffusion.at(self.diffusion.alphas, self.i)
        s = self.diffusion.at(self.diffusion.sqrt_one_minus_alphas_bar, self.i)
        wrong = (Z - b / s * 1e3 * Z) / a.sqrt()  # Ho et al. 2020, Alg. 2 as printed
        high, _, _ = self.diffusion.q_posterior(torch.ones_like(Z), Z, self.i)
        assert (wrong > high).any()

    def test_unclipped_it_is_alg_2(self) -> None:
        reverse = reverse_distribution(
            self.diffusion, 0.5 * Z, Z, self.i, target="epsilon", variance="fixed_large", x0_clip="none"
        )
        b, a = self.diffusion.at(self.diffusion.betas, self.i), self.diffusion.at(self.diffusion.alphas, self.i)
        s = self.diffusion.at(self.diffusion.sqrt_one_minus_alphas_bar, self.i)
        assert torch.allclose(reverse.mean, (Z - b / s * 0.5 * Z) / a.sqrt(), atol=1e-5)
        assert torch.allclose(reverse.log_variance, b.log())
