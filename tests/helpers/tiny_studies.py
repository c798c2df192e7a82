"""The smallest real studies: digits, a small net, some dozens of steps, scores of 64 images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

BASELINE: dict[str, Any] = {
    "data": "digits",
    "net": {"kind": "mlp", "width": 32, "depth": 2},
    "T": 50,
    "schedule": "linear_scaled",
    "batch": 16,
    "images": 960,
    "lr": 1e-3,
    "ema_decay": 0.9,
    "sampler": "ddim",
    "sampling_steps": 8,
}
ABLATION: dict[str, Any] = {
    "name": "tiny",
    "question": "Does it matter?",
    "baseline": BASELINE,
    "factors": {"schedule": {"role": "scientific", "levels": ["cosine"]}},
    "seeds": 2,
    "protocol": {"extractor": "classifier", "n": 64, "noise_sets": 1},
    # A checkpoint at nearly every step: kills fall between, before and inside them.
    "cadence": {"curve_points": 10, "checkpoint_seconds": 0.01},
}
# Long enough that ten kills all find it at work.
LONG: dict[str, Any] = ABLATION | {
    "name": "tiny-long",
    "baseline": BASELINE | {"images": 6400},
    "cadence": {"curve_points": 50, "checkpoint_seconds": 0.01},
}
SEARCH: dict[str, Any] = ABLATION | {
    "name": "tiny-search",
    "factors": {"lr": {"role": "nuisance", "range": [1e-4, 1e-2], "log": True}},
    "design": {"kind": "search", "trials": 5, "search_sampler": "random", "confirm": 1},
    "seeds": 1,
}
# Learning rates over four decades: some trials are worth stopping at a tenth of the way.
PRUNED: dict[str, Any] = SEARCH | {
    "name": "tiny-pruned",
    "baseline": BASELINE | {"images": 1920},
    "factors": {"lr": {"role": "nuisance", "range": [1e-6, 1e-2], "log": True}},
    "design": {
        "kind": "search",
        "trials": 6,
        "search_sampler": "random",
        "pruner": {"kind": "asha", "rungs": [0.1, 0.4], "startup": 1, "reduction_factor": 2},
    },
    "protocol": {"extractor": "classifier", "n": 64, "noise_sets": 1, "ladder": [{"n": 32}]},
}


def more(study: dict[str, Any]) -> dict[str, Any]:
    """A study that was extended: by a trial, or where it has none by a seed."""
    if "trials" in study.get("design", {}):
        return study | {"design": study["design"] | {"trials": study["design"]["trials"] + 1}}
    return study | {"seeds": study["seeds"] + 1}


def with_baseline(study: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A study with some settings of its baseline changed."""
    return study | {"baseline": study["baseline"] | changes}


def write(study: dict[str, Any], folder: Path) -> Path:
    """The study as a file."""
    path = folder / f"{study['name']}.yaml"
    path.write_text(yaml.safe_dump(study))
    return path
