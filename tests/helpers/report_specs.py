"""What a study of these tests is: its arms with planted effects, its spread, and what became of each replicate."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.config.run import Protocol
from sweep.store.records import ExecutionRecord, WorkerRecord
from sweep.store.states import FailureClass, FinalState

PROTOCOL = Protocol(
    extractor="classifier", extractor_sha256="ab" * 32, reference_sha256="cd" * 32, n=1000, noise_sets=(0, 1, 2)
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
VERSIONS = {"ddpm-sweep": "0.1.0", "optuna": "5.0.0", "torch": "2.15.0"}

End = tuple[FinalState, FailureClass, str]
"""How a training failed for good: the state of its run, the failure and its reason."""


def gpu_worker(number: int = 0, *, device: str = "cuda:0", **environment: Any) -> WorkerRecord:
    """A worker of a machine of its own; `environment` replaces entries of what it tells of that machine."""
    tells = {
        "python": "3.11.7",
        "cpu": "Some CPU",
        "gpu": f"Fast {100 + number}",
        "threads": 2,
        "versions": {"torch": "2.15.0", "numpy": "2.4.6"},
        "source": {"version": "0.1.0", "commit": COMMIT, "dirty": False},
    }
    return WorkerRecord(f"w{number}-{device}", f"node{number}", "b", 1, 0.0, device, tells | environment)


@dataclass(frozen=True)
class ArmSpec:
    """One arm as planted.

    Attributes:
        effect: Added to every FID of the baseline.
        replicates: Those that are planned; all seeds of the study where None.
        failed: Replicate -> how its training ended.
        excluded: Replicate -> why it is left out of every comparison.
        level_effects: Number of an evaluation level -> what is added there for this arm alone.
        unscored: Replicates whose FID is not finite, so that their scores are complete without it.
    """

    name: str
    changes: Mapping[str, Any]
    effect: float = 0.0
    replicates: Sequence[int] | None = None
    failed: Mapping[int, End] = field(default_factory=dict)
    excluded: Mapping[int, str] = field(default_factory=dict)
    level_effects: Mapping[int, float] = field(default_factory=dict)
    unscored: Collection[int] = ()
    phase: str = "confirm"


@dataclass(frozen=True)
class StoreSpec:
    """A study as planted. FID = mean + effect + seed part (shared by arms) + arm part + noise part.

    Attributes:
        levels: Evaluation levels, the primary one first; each next one scores 0.4 more.
        curves: Whether trainings record curves.
        curves_from: Optimizer step before which no point of a curve is finite.
        grids: Whether primary scores save sheets of samples.
        protocol: Under which scores are made.
        workers: Replicate r is trained and scored by worker r modulo their number.
        execution: How trainings and scores run their steps, as far as that is recorded.
        random: Seed of every draw.
    """

    arms: Sequence[ArmSpec]
    name: str = "digits"
    question: str = "Does the cosine schedule help at T = 250?"
    seeds: int = 8
    first_seed: int = 0
    mean: float = 12.0
    seed_sd: float = 0.5
    arm_sd: float = 0.15
    noise_sd: float = 0.05
    baseline: Mapping[str, Any] = field(default_factory=lambda: {"T": 250, "schedule": "linear_scaled"})
    design: Mapping[str, Any] = field(default_factory=lambda: {"kind": "one_at_a_time"})
    factors: Mapping[str, Any] = field(default_factory=dict)
    levels: Sequence[Mapping[str, Any]] = ({},)
    protocol: Protocol = PROTOCOL
    curves: bool = True
    curves_from: int = 0
    grids: bool = True
    workers: Sequence[WorkerRecord] = (gpu_worker(),)
    execution: ExecutionRecord | None = None
    random: int = 0

    @property
    def file(self) -> dict[str, Any]:
        """The study file, as a JSON value."""
        return {
            "name": self.name,
            "question": self.question,
            "baseline": dict(self.baseline),
            "design": dict(self.design),
            "factors": dict(self.factors),
            "seeds": self.seeds,
            "first_seed": self.first_seed,
            "metric": "fid",
            "protocol": {"n": self.protocol.n, "noise_sets": len(self.protocol.noise_sets)},
        }


def ablation(**changes: Any) -> StoreSpec:
    """Four arms: clearly better, clearly worse, nothing, and one whose schedule ends with signal left."""
    arms = [
        ArmSpec("baseline", {}),
        ArmSpec("schedule=cosine", {"schedule": "cosine"}, effect=-1.2),
        ArmSpec("lr=0.002", {"lr": 0.002}, effect=0.9),
        ArmSpec(
            "weighting=min_snr",
            {"weighting": "min_snr"},
            failed={2: ("infeasible", "nan", "loss is not finite at step 400")},
            excluded={5: "the data disk was full"},
        ),
        ArmSpec("schedule=linear", {"schedule": "linear"}, effect=0.25),
    ]
    return StoreSpec(
        **{
            "arms": arms,
            "levels": ({}, {"ema_decay": 0.99}, {"ema_decay": 0.0}, {"sampling_steps": 10}, {"sampling_steps": 100}),
            **changes,
        }
    )
