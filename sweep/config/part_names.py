"""Names of the package's own parts, as study files write them. What each means is in the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from sweep.config.presets import NET_PRESETS

Schedule = Literal[
    "linear",
    "linear_scaled",
    "cosine",
    "quadratic",
    "sigmoid_beta",
    "sigmoid_alphas_bar",
    "exponential_beta",
    "exponential_alphas_bar",
    "constant",
    "warmup10",
    "warmup50",
    "jsd",
    "custom",
]
DataName = Literal["digits", "mnist", "fashion_mnist", "cifar10", "image_folder"]
Target = Literal["epsilon", "x0", "v", "posterior_mean"]
Loss = Literal["mse", "l1", "huber", "pseudo_huber"]
Weighting = Literal[
    "simple",
    "uniform",
    "vlb",
    "vlb_log_clipped",
    "vlb_fixed_large",
    "snr_plus_one",
    "truncated_snr",
    "min_snr",
    "p2",
]
LossTerm = Literal["none"]
ObjectiveKind = Literal["simple", "hybrid", "vlb"]
TSampling = Literal["uniform", "importance"]
Optimizer = Literal["adam", "adamw", "radam", "adabelief", "rmsprop"]
LrSchedule = Literal["constant", "cosine", "inverse_sqrt", "step", "one_cycle"]
Precision = Literal["fp32", "tf32", "bf16"]
Sampler = Literal["ancestral", "ddim", "dpmpp_2m", "heun"]
Spacing = Literal["leading", "linspace", "trailing", "quadratic"]
ReverseVariance = Literal["fixed_small", "fixed_large", "learned_range"]
Clipping = Literal["static", "dynamic", "none"]
EmaStart = Literal["corrected", "initial", "ramp", "ramp_power", "ramp_half_life"]

BUILT_IN: Mapping[str, tuple[str, ...]] = {
    "net": ("unet", "mlp", "own", *NET_PRESETS),
    "dataset": ("own", *get_args(DataName)),
    "metric": (),
    "sampler": get_args(Sampler),
    "feature_extractor": ("classifier", "inception", "own"),
    "spacing": get_args(Spacing),
    "schedule": get_args(Schedule),
    "weighting": get_args(Weighting),
    "target": get_args(Target),
    "loss": get_args(Loss),
    "loss_term": get_args(LossTerm),
    "objective": get_args(ObjectiveKind),
    "optimizer": get_args(Optimizer),
    "lr_schedule": get_args(LrSchedule),
}
"""Name of a kind of part -> the names that the package has taken."""
