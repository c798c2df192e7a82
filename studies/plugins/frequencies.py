"""A feature extractor of our own: how large each spatial frequency of an image is, which no net has to learn."""

from collections.abc import Callable

import torch

from sweep.plugins import feature_extractor


@feature_extractor("frequencies")
def frequencies(*, count: int = 6) -> Callable[[torch.Tensor], torch.Tensor]:
    """Logarithms of the amplitudes of the lowest frequencies, mean over channels.

    Args:
        count: Frequencies of each axis; at most half of the size of the images, and one more.

    Returns:
        A function from images, uint8 [B, C, H, W], to features, float [B, count^2] or fewer for small images.
    """

    def features(images: torch.Tensor) -> torch.Tensor:
        amplitudes = torch.fft.rfft2(images.float() / 127.5 - 1, norm="ortho").abs().mean(1)
        return torch.log1p(amplitudes[:, :count, :count]).flatten(1)

    return features
