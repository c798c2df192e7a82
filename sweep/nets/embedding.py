"""The time embedding of Ho et al. 2020: sinusoids of the code index i = t - 1, then a two-layer perceptron.

A class-conditional net adds an embedding of the class to it (Dhariwal & Nichol 2021, released code).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sweep.nets.initialisation import ClassEmbedding
from sweep.nets.unet_spec import check_embedding


# Ho et al. 2020, released code; Vaswani et al. 2017, section 3.5, with half - 1 where that has half.
def frequencies(width: int) -> Tensor:
    """10000^(-k / (half - 1)) for k = 0 .. half - 1, half = width / 2: from 1 down to 1/10000.

    Returns:
        [half] float32, computed in float64: a relative error of 1e-7 here is a phase error of 1e-4 at i = 999.
    """
    half = width // 2
    k = torch.arange(half, dtype=torch.float64)
    return (10000.0 ** (-k / (half - 1))).float()


def sinusoidal_embedding(i: Tensor, frequencies: Tensor) -> Tensor:
    """All sines, then all cosines (not interleaved).

    Args:
        i: [B] code index, integer or fractional; 0 means one step of noise.
        frequencies: [half], radians per index.

    Returns:
        [B, 2 half] float32, also under autocast.
    """
    phase = i.float()[:, None] * frequencies.float()[None, :]
    return torch.cat([phase.sin(), phase.cos()], dim=1)


class TimeEmbedding(nn.Module):
    """i -> sinusoids [B, width] -> Linear, SiLU, Linear, plus the embedding of the class, SiLU -> [B, out_width].

    The last SiLU stands at the head of every block's projection in the paper's code; it is the same for all, so it
    is taken once here.

    Args:
        width: Sines and cosines together; even, 4 or more.
        out_width: Width of the embedding.
        num_classes: Number of classes; None for a net that sees none. One more row of the embedding is for no class.

    Raises:
        InfeasibleConfig: `width` is odd or below 4.
    """

    frequencies: Tensor

    def __init__(self, width: int, out_width: int, num_classes: int | None = None) -> None:
        super().__init__()
        check_embedding(width)
        # Not persistent: a constant, which neither checkpoints nor weight averages may touch.
        self.register_buffer("frequencies", frequencies(width), persistent=False)
        self.linear1 = nn.Linear(width, out_width)
        self.linear2 = nn.Linear(out_width, out_width)
        self.classes = None if num_classes is None else ClassEmbedding(num_classes + 1, out_width)
        self.activation = nn.SiLU()

    def forward(self, i: Tensor, labels: Tensor | None = None) -> Tensor:
        """Embed time and class.

        Args:
            i: Code index t - 1 of each image, [B], integer or fractional.
            labels: Class of each image, int64 [B]; the number of classes stands for none. None: no image has one.

        Returns:
            [B, out_width].
        """
        sinusoids = sinusoidal_embedding(i, self.frequencies).to(self.linear1.weight.dtype)
        embedding: Tensor = self.linear2(self.activation(self.linear1(sinusoids)))
        if self.classes is None:
            assert labels is None
        else:
            no_class = self.classes.num_embeddings - 1
            labels = torch.full_like(i, no_class, dtype=torch.int64) if labels is None else labels
            embedding = embedding + self.classes(labels)
        out: Tensor = self.activation(embedding)
        return out
