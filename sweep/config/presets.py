"""Nets that have a name. A preset is written out in full in the run's config; its name is not stored."""

from __future__ import annotations

NET_PRESETS: dict[str, dict[str, object]] = {
    # Ho et al. 2020, appendix B: the CIFAR-10 net, 35,746,307 parameters.
    "ho_cifar10": {
        "kind": "unet",
        "channels": 128,
        "channel_mults": (1, 2, 2, 2),
        "res_blocks": 2,
        "attention_resolutions": (16,),
        "heads": 1,
        "dropout": 0.1,
        "groups": 32,
    },
    # For 28x28 (28 -> 14 -> 7).
    "unet_28": {
        "kind": "unet",
        "channels": 32,
        "channel_mults": (1, 2, 2),
        "res_blocks": 2,
        "attention_resolutions": (7,),
        "heads": 1,
        "dropout": 0.0,
        "groups": 8,
    },
    # For 8x8 (8 -> 4): seconds on one core.
    "unet_8": {
        "kind": "unet",
        "channels": 24,
        "channel_mults": (1, 2),
        "res_blocks": 1,
        "attention_resolutions": (4,),
        "heads": 1,
        "dropout": 0.0,
        "groups": 8,
    },
    "mlp": {"kind": "mlp", "width": 1024, "depth": 3, "dropout": 0.0},
    "mlp_small": {"kind": "mlp", "width": 256, "depth": 3, "dropout": 0.0},
}
