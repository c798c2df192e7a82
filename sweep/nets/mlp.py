"""A residual perceptron over flattened images: the smallest net that denoises, for tests and floors."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from sweep.nets.embedding import TimeEmbedding
from sweep.nets.initialisation import NearZeroLinear

SINUSOIDS = 64


class MLPBlock(nn.Module):
    """h + linear2(dropout(silu(linear1(norm(h)) + time))).

    Args:
        width: Units of every hidden layer.
        dropout: Probability of dropout before the second layer.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear1 = nn.Linear(width, width)
        self.time = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.linear2 = NearZeroLinear(width, width)

    def forward(self, h: Tensor, time: Tensor) -> Tensor:
        """The block's formula.

        Args:
            h: Hidden units, [B, width].
            time: Time embedding after its SiLU, [B, width].

        Returns:
            Hidden units, [B, width].
        """
        inner = F.silu(self.linear1(self.norm(h)) + self.time(time))
        out: Tensor = h + self.linear2(self.dropout(inner))
        return out


class MLP(nn.Module):
    """x_t, i -> prediction, through `depth` residual blocks of `width` units; the U-Net's calling convention.

    Args:
        image_channels: Channels of x.
        image_size: Height and width of x, pixels.
        width: Units of every hidden layer.
        depth: Residual blocks.
        dropout: Probability, before the second layer of each block; from torch's default generator.
        out_channels: Channels of the prediction; None: as many as x.
        num_classes: Number of classes whose embedding is added to that of the time; None for a net that sees none.

    Source: He et al. 2016, eq. 1 on dense layers.
    """

    def __init__(
        self,
        *,
        image_channels: int,
        image_size: int,
        width: int,
        depth: int,
        dropout: float = 0.0,
        out_channels: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__()
        pixels = image_size**2
        self.time_embedding = TimeEmbedding(SINUSOIDS, width, num_classes)
        self.linear_in = nn.Linear(image_channels * pixels, width)
        self.blocks = nn.ModuleList([MLPBlock(width, dropout) for _ in range(depth)])
        self.norm_out = nn.LayerNorm(width)
        self.linear_out = NearZeroLinear(width, (out_channels or image_channels) * pixels)

    def forward(self, x: Tensor, i: Tensor, labels: Tensor | None = None) -> Tensor:
        """Predict from x_t.

        Args:
            x: Noised images, float [B, C, H, W].
            i: Code index t - 1 of each image, [B], integer or fractional.
            labels: Class of each image, int64 [B], of a net with classes; None: no image has one.

        Returns:
            [B, out_channels, H, W] in x's dtype.
        """
        return self.forward_features(x, i, labels)[0]

    def forward_features(self, x: Tensor, i: Tensor, labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Predict from x_t, and give the last hidden layer.

        Args:
            x: Noised images, float [B, C, H, W].
            i: Code index t - 1 of each image, [B], integer or fractional.
            labels: Class of each image, int64 [B], of a net with classes; None: no image has one.

        Returns:
            The prediction [B, out_channels, H, W] in x's dtype, and the hidden layer [B, width, 1, 1].
        """
        time = self.time_embedding(i, labels)
        h = self.linear_in(x.flatten(1))
        for block in self.blocks:
            h = block(h, time)
        out = self.linear_out(F.silu(self.norm_out(h)))
        return out.view(len(x), -1, *x.shape[2:]).to(x.dtype), h[:, :, None, None]
