"""What a person may say about jobs, and how submitit is told."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sweep.config.durations import seconds_of
from sweep.errors import UsageError

SBATCH = "sbatch."


class SlurmOptions(BaseModel):
    """What `--option` may say. What is left out is the cluster's default.

    Attributes:
        time: Limit of one job, as 23h30m. At its end a job saves, is queued again and goes on.
        gpus: A worker; 1 unless the device is `cpu`.
        cpus: A worker.
        memory: A worker, as 16G.
        notice: How long before the limit a job is told, as 2m.
        folder: Where submitit keeps its files, reached by all machines; by default below the folder of files. They are
            pickles, which run as code when a job begins, so nobody else may be able to write there.
        setup: A shell command before the worker, as `module load cuda`.
        sbatch: Anything else that sbatch knows, as sbatch.reservation=NAME.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time: str | None = None
    gpus: int | None = Field(default=None, ge=0)
    cpus: int = Field(default=2, ge=1)
    memory: str | None = Field(default=None, pattern=r"^\d+[KMGT]?$")
    notice: str = "2m"
    folder: str | None = None
    setup: str | None = None
    sbatch: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: dict[str, str]) -> dict[str, Any]:
        further = {key.removeprefix(SBATCH): value for key, value in given.items() if key.startswith(SBATCH)}
        return {key: value for key, value in given.items() if not key.startswith(SBATCH)} | {"sbatch": further}

    @field_validator("time", "notice")
    @classmethod
    def _duration(cls, text: str | None) -> str | None:
        try:
            if text is not None:
                seconds_of(text)
        except UsageError as error:
            raise ValueError(f"{error.what}; write it like 23h30m") from None
        return text

    def parameters(self, device: str) -> dict[str, Any]:
        """For submitit."""
        gpus = self.gpus if self.gpus is not None else int(device != "cpu")
        return {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            # Nothing means the partition's limit; submitit's own default is five minutes.
            "time": None if self.time is None else max(1, int(seconds_of(self.time) // 60)),
            "gpus_per_node": gpus or None,
            "cpus_per_task": self.cpus,
            "signal_delay_s": int(seconds_of(self.notice)),
            "setup": None if self.setup is None else [self.setup],
            # Since Slurm 22.05 srun does not take the number of cores over from sbatch; a requeued job adds to its log.
            "srun_args": [f"--cpus-per-task={self.cpus}", "--open-mode=append"],
            "wckey": None,
            "additional_parameters": {
                "requeue": True,
                **({} if self.memory is None else {"mem": self.memory}),
                **self.sbatch,
            },
        }
