"""Every net by name. A name that a store has seen never changes its meaning; add another instead.

Importing this module loads no torch, so that plans and reports can ask it; the modules of the nets are imported when a
net is built (`build.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sweep.nets.mlp_spec import mlp_weights
from sweep.nets.unet_spec import unet_net_weights

if TYPE_CHECKING:
    from torch import nn

Settings = Mapping[str, Any]
"""The fields of a net's model in `sweep/config/net.py`, without its kind."""


class CountWeights(Protocol):
    """Checks the sizes of a net against each other and the images, without torch."""

    def __call__(self, settings: Settings, *, image_channels: int, image_size: int | None) -> int:
        """About how many weights the net has.

        Args:
            settings: Settings of the net.
            image_channels: Channels of the images.
            image_size: Height and width of the images, pixels; None where they are not known yet.

        Raises:
            InfeasibleConfig: The sizes do not fit each other or the images.
        """


@dataclass(frozen=True, kw_only=True)
class NetSpec:
    """One kind of net.

    Attributes:
        label: Name of the kind in reports.
        channels_last: Whether its feature maps lie in memory as [B, H, W, C] (see `memory_format.py`).
        weights: Checks the settings, and counts the weights. None: nothing is known before the code of a plugin runs.
        module: Imports the class of the net. Its constructor takes `image_channels`, `image_size`, `out_channels` and
            the settings as keywords; its instances take (x_t [B, C, H, W], i int64 [B]) and have `forward_features`.
            None: the class comes from a plugin (`own.py`).
    """

    label: str
    channels_last: bool
    weights: CountWeights | None
    module: Callable[[], type[nn.Module]] | None


def _unet() -> type[nn.Module]:
    from sweep.nets.unet import UNet

    return UNet


def _mlp() -> type[nn.Module]:
    from sweep.nets.mlp import MLP

    return MLP


NETS: Mapping[str, NetSpec] = {
    "unet": NetSpec(label="U-Net", channels_last=True, weights=unet_net_weights, module=_unet),
    "own": NetSpec(label="net of a plugin", channels_last=False, weights=None, module=None),
    "mlp": NetSpec(label="multilayer perceptron", channels_last=False, weights=mlp_weights, module=_mlp),
}
