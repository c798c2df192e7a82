"""The options of Slurm jobs, and their translation for submitit."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sweep.config.durations import seconds_of
from sweep.errors import UsageError

SBATCH = "sbatch."


class SlurmOptions(BaseModel):
    """The options of this executor. For one that is left out the default of the cluster holds.

    Attributes:
        partition: Partition of the cluster.
        account: Account that is charged.
        qos: Quality of service.
        constraint: Features that a node must have.
        time: Time limit of one job, like 23h30m. At its end a job saves, is queued again, and continues.
        gpus: GPUs for each worker; 1 by default, and 0 on device `cpu`.
        cpus: CPU cores for each worker.
        memory: Memory for each worker, like 16G.
        notice: Time between Slurm's signal and the time limit, like 2m.
        folder: Folder of submitit's files, which all machines must reach; by default in the file store. The files are
            pickles, which run as code when a job starts, so nobody else may be able to write there.
        setup: A shell command that runs before the worker, like `module load cuda`.
        sbatch: Any other option of sbatch, like sbatch.reservation=NAME.
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
        sbatch = {key.removeprefix(SBATCH): value for key, value in given.items() if key.startswith(SBATCH)}
        return {key: value for key, value in given.items() if not key.startswith(SBATCH)} | {"sbatch": sbatch}

    @field_validator("time", "notice")
    @classmethod
    def _duration(cls, text: str | None) -> str | None:
        try:
            if text is not None:
                seconds_of(text)
        except UsageError as error:
            raise ValueError(f"{error.what}; write it like 23h30m") from None
        return text

    def gpus_of(self, device: str) -> int:
        """GPUs that are reserved for each worker.

        Args:
            device: Device of each worker; on `cpu` no GPU is requested by default.
        """
        return self.gpus if self.gpus is not None else int(device != "cpu")

    def parameters(self, device: str) -> dict[str, Any]:
        """The parameters of submitit's `update_parameters`.

        Args:
            device: Device of each worker; on `cpu` no GPU is requested by default.
        """
        return {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            # None means the limit of the partition; submitit's own default is five minutes.
            "time": None if self.time is None else max(1, int(seconds_of(self.time) // 60)),
            "gpus_per_node": self.gpus_of(device) or None,
            "cpus_per_task": self.cpus,
            "signal_delay_s": int(seconds_of(self.notice)),
            "setup": None if self.setup is None else [self.setup],
            # Since Slurm 22.05 srun does not inherit the cores from sbatch. A requeued job appends to its log.
            "srun_args": [f"--cpus-per-task={self.cpus}", "--open-mode=append"],
            "wckey": None,
            "additional_parameters": {
                "requeue": True,
                **({} if self.memory is None else {"mem": self.memory}),
                **self.sbatch,
            },
        }
