"""How a trained network is turned into images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sweep.diffusion.coefficients import SAMPLERS, Columns
from sweep.diffusion.levels import Levels
from sweep.diffusion.process import REVERSE_VARIANCES
from sweep.diffusion.reverse import X0_CLIPS
from sweep.diffusion.spacing import SPACINGS, Spacing
from sweep.diffusion.targets import TARGETS, AnyTarget
from sweep.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class SamplingPlan:
    """How a trained network is turned into images; none of it needs another training."""

    sampler: str | Callable[[Levels, float], Columns]
    """Key of `SAMPLERS`, or a function like its values."""
    steps: int
    """Sampling steps, 1..T: as many network calls, or up to 2 * steps - 1 for heun."""
    target: AnyTarget
    """What the network predicts; key of `targets.TARGETS`, or the target of a plugin."""
    spacing: str | Spacing = "trailing"
    """Key of `spacing.SPACINGS`, or a function like its values."""
    eta: float = 0.0
    """DDIM's noise, 0..1: 0 is deterministic, 1 is ancestral with fixed_small. Read by ddim only."""
    variance: str = "fixed_small"
    """Key of `process.REVERSE_VARIANCES`. Read by ancestral only."""
    x0_clip: str = "static"
    """Key of `reverse.X0_CLIPS`."""

    def __post_init__(self) -> None:
        for field, value, known in (
            ("sampler", self.sampler, SAMPLERS),
            ("target", self.target, TARGETS),
            ("spacing", self.spacing, SPACINGS),
            ("variance", self.variance, REVERSE_VARIANCES),
            ("x0_clip", self.x0_clip, X0_CLIPS),
        ):
            if isinstance(value, str) and value not in known:
                raise UsageError(f"No {field} `{value}`.", next=f"Use one of: {', '.join(known)}.")
        if not 0 <= self.eta <= 1:
            raise UsageError(
                f"eta = {self.eta} is not in [0, 1].",
                why="Beyond 1, a step would add more noise than belongs there.",
                next="Use eta: 0 (deterministic) to 1 (ancestral).",
            )
