from __future__ import annotations

import torch

from sweep.nets.initialisation import initialise
from sweep.nets.mlp import MLP


def net() -> MLP:
    mlp = MLP(image_channels=1, image_size=8, width=32, depth=2, dropout=0.1, out_channels=2)
    initialise(mlp, torch.Generator().manual_seed(0))
    return mlp


def noise(batch: int = 3) -> torch.Tensor:
    return torch.randn(batch, 1, 8, 8, generator=torch.Generator().manual_seed(1))


def test_has_the_calling_convention_of_the_unet() -> None:
    out, features = net().forward_features(noise(), torch.tensor([0, 1, 999]))
    assert out.shape == (3, 2, 8, 8)
    assert out.dtype == torch.float32
    assert features.shape == (3, 32, 1, 1)


def test_starts_near_zero_and_gradient_reaches_every_parameter() -> None:
    mlp = net()
    out = mlp(noise(), torch.tensor([0, 1, 999]))
    assert out.abs().max() < 1e-3
    (out - 1).square().mean().backward()
    assert [n for n, p in mlp.named_parameters() if p.grad is None or p.grad.abs().max() == 0] == []


def test_learns_to_predict_noise_from_pure_noise() -> None:
    """At the last step x is the noise; predicting 0 scores 1 and the identity scores 0."""
    mlp = net()
    optimizer = torch.optim.Adam(mlp.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(2)
    torch.manual_seed(0)  # dropout
    losses = []
    for _ in range(150):
        x = torch.randn(64, 1, 8, 8, generator=generator)
        loss = (mlp(x, torch.full((64,), 999))[:, :1] - x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 0.95
    # 32 hidden units of 64 pixels: a linear bottleneck leaves half of the variance.
    assert losses[-1] < 0.75


def test_dropout_is_off_in_eval_and_bfloat16_is_finite() -> None:
    mlp = net().eval()
    with torch.no_grad():
        for parameter in mlp.parameters():
            parameter.add_(0.05)
    x, i = noise(), torch.tensor([0, 1, 999])
    assert torch.equal(mlp(x, i), mlp(x, i))
    with torch.autocast("cpu", torch.bfloat16):
        out = mlp(x, i)
    assert out.dtype == torch.float32
    assert out.isfinite().all()
    mlp.train()
    torch.manual_seed(0)
    assert not torch.equal(mlp(x, i), mlp(x, i))
