"""What executors accept, and what they refuse before anything is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sweep.cli.app import app
from sweep.cli.options import key_values
from sweep.errors import UsageError
from sweep.executors.placement import Assignment, options_of
from sweep.executors.registry import EXECUTORS, executor
from sweep.executors.slurm import job_name
from sweep.executors.slurm_options import SlurmOptions
from tests.helpers.tiny_studies import ABLATION, write

POSTGRES = "postgresql://sweep:hunter2@db/sweep"


def assignment(**changes: Any) -> Assignment:
    """A sound one."""
    sound: dict[str, Any] = {
        "study": "tiny",
        "storage": POSTGRES,
        "files": "/shared",
        "device": "auto",
        "workers": 2,
        "work": 4,
    }
    return Assignment(**sound | changes)


def refused(folder: Path, *more: str) -> UsageError:
    """What `sweep launch` says, which must be before it makes a store."""
    environment = {"SWEEP_STORAGE": f"sqlite:///{folder}/sweep.db", "SWEEP_FILES": str(folder)}
    error = CliRunner().invoke(app, ["launch", str(write(ABLATION, folder)), *more], env=environment).exception
    assert isinstance(error, UsageError)
    assert error.exit_code == 2
    assert not (folder / "sweep.db").exists()
    return error


@pytest.mark.parametrize("name", ["slurm", "ray"])
def test_a_store_on_this_machine_is_refused_where_workers_are_on_others(tmp_path: Path, name: str) -> None:
    # optuna#6036: Slurm and SQLite; one collision, and no worker can write again.
    error = refused(tmp_path, "--executor", name, "-n", "2")
    assert "SQLite is a file on this machine" in error.why
    assert error.next.startswith("export SWEEP_STORAGE=postgresql://")


def test_an_unknown_executor_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        executor("kubernetes")
    assert all(name in caught.value.next for name in EXECUTORS)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["partiton=gpu"], "no option of this executor named 'partiton'; did you mean 'partition'?"),
        (["gpus=many"], "--option gpus"),
        (["gpus=-1"], "--option gpus"),
        (["cpus=0"], "--option cpus"),
        (["time=soon"], "write it like 23h30m"),
        (["memory=lots"], "--option memory"),
        (["partition"], "cannot be read"),
        (["partition="], "cannot be read"),
        (["time=1h", "time=2h"], "cannot be read"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(typed: list[str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        options_of(SlurmOptions, key_values(typed))
    assert told in str(caught.value)
    assert caught.value.next


def test_local_workers_have_no_options_and_end_with_their_launcher(tmp_path: Path) -> None:
    assert "This executor has no option" in refused(tmp_path, "-o", "partition=gpu").next
    assert "end with this command" in refused(tmp_path, "--detach").what


def test_what_sbatch_is_told(tmp_path: Path) -> None:
    from submitit.slurm.slurm import _make_sbatch_string

    typed = ["partition=gpu", "time=23h30m", "memory=16G", "cpus=8", "sbatch.reservation=lab", "setup=module load cuda"]
    options = options_of(SlurmOptions, key_values(typed))
    script = _make_sbatch_string(
        command="true", folder=tmp_path, job_name="sweep", map_count=2, **options.parameters("auto")
    )
    lines = script.splitlines()
    for line in (
        "#SBATCH --partition=gpu",
        "#SBATCH --time=1410",
        "#SBATCH --mem=16G",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --gpus-per-node=1",
        "#SBATCH --reservation=lab",
        "#SBATCH --requeue",
        "#SBATCH --open-mode=append",
        "#SBATCH --signal=USR2@120",
        "#SBATCH --array=0-1%2",
        "module load cuda",
    ):
        assert line in lines
    # Nothing said means the cluster's own; a CPU study takes no GPU.
    plain = _make_sbatch_string(command="true", folder=tmp_path, **SlurmOptions().parameters("cpu"))
    assert not any(word in plain for word in ("--time", "--gpus", "--partition", "--mem", "wckey"))


@pytest.mark.parametrize(
    ("device", "gpus", "expected"),
    [("auto", 1, "cuda"), ("auto", 0.5, "cuda"), ("auto", 0, "auto"), ("cpu", 1, "cpu"), ("cuda:1", 0, "cuda:1")],
)
def test_a_worker_with_a_reserved_gpu_must_use_it(device: str, gpus: float, expected: str) -> None:
    """With `auto`, it trained on the CPU where the driver did not start, and the GPU stayed idle."""
    arguments = assignment(device=device).arguments(gpus=gpus)
    assert arguments[arguments.index("--device") + 1] == expected


def test_jobs_are_told_apart_by_study_and_store_and_show_no_password() -> None:
    names = {
        job_name(assignment()),
        job_name(assignment(study="other")),
        job_name(assignment(storage="postgresql://sweep:hunter2@elsewhere/sweep")),
    }
    assert len(names) == 3
    assert job_name(assignment()) == job_name(assignment(workers=7))
    assert not any("hunter2" in name for name in names)


def test_a_machine_outside_a_cluster_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="does not belong to a Slurm cluster"):
        EXECUTORS["slurm"](assignment())


def test_a_cluster_is_not_taken_over_by_a_number_that_nobody_named() -> None:
    with pytest.raises(UsageError, match="number of jobs is missing"):
        EXECUTORS["slurm"](assignment(workers=None))


def test_files_of_slurm_jobs_are_refused_where_others_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # submitit's files are pickles: whoever may exchange one runs code as the user whose job reads it.
    for name in ("sbatch", "srun"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    shared = tmp_path / "shared"
    (shared / "slurm/tiny").mkdir(parents=True)
    (shared / "slurm/tiny").chmod(0o2775)
    with pytest.raises(UsageError, match="files of Slurm jobs cannot be kept") as refused:
        EXECUTORS["slurm"](assignment(files=str(shared)))
    assert "may be written by others" in refused.value.why
    assert "-o folder=" in refused.value.next
    placed = EXECUTORS["slurm"](assignment(files=str(shared), options={"folder": str(tmp_path / "jobs")}))
    assert str(tmp_path / "jobs" / "tiny") in placed.monitor_hint
