"""Workers on a Slurm cluster, through submitit: an array of jobs, one worker each."""

from __future__ import annotations

import getpass
import hashlib
import logging
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.commands import command
from sweep.errors import ExitCode, SweepError, UsageError
from sweep.executors.placement import Assignment, options_of, require_shared
from sweep.executors.slurm_job import run_slurm_job
from sweep.executors.slurm_options import SlurmOptions
from sweep.files.private import make_private_folder, require_private
from sweep.worker.process_start import SAFE_PATH_FLAG

if TYPE_CHECKING:
    from submitit import Job

logger = logging.getLogger(__name__)

FOLDER = "slurm"
# Time between two queries of the queue. A cluster's controller serves all of its users.
POLL_SECONDS = 5.0
# The queue counts as empty after so many empty answers: a controller that restarts may give one.
EMPTY_ANSWERS = 2
LAST_LINES = 5


class SlurmWorkers:
    """Jobs in Slurm's queue. They continue when the launching process ends; a second launch submits no others.

    Args:
        assignment: The workers to start; `workers` must be given.

    Raises:
        UsageError: The number of workers is missing, an option is wrong, this machine belongs to no Slurm cluster, the
            store is a file of this machine, or others may write to the folder of the jobs.
    """

    detached = True

    def __init__(self, assignment: Assignment) -> None:
        require_shared(assignment)
        self._options = options_of(SlurmOptions, assignment.options)
        if assignment.workers is None:
            raise UsageError(
                "the number of jobs is missing",
                why="A cluster has no natural number of workers.",
                next="Add -n N, for example -n 8.",
            )
        if shutil.which("sbatch") is None or shutil.which("srun") is None:
            raise UsageError(
                "this machine does not belong to a Slurm cluster",
                why="The commands sbatch and srun are missing.",
                next="Log in to a machine of the cluster.",
            )
        self._assignment = assignment
        self._max_jobs = min(assignment.workers, max(assignment.work, 1))
        self.name = job_name(assignment)
        self.folder = _job_folder(assignment, self._options)
        _refuse_shared(require_private, self.folder)
        self._jobs: list[Job[int]] = []
        self._queried_at = -POLL_SECONDS
        self._states: dict[str, str] = {}
        self._empty = 0

    @property
    def monitor_hint(self) -> str:
        """The commands that show and end the jobs."""
        study = self._assignment.study
        return (
            f"the jobs stay in the queue; next: {command('status', study, '--watch')}, squeue --name {self.name}, "
            f"{command('stop', study)}, or scancel --name {self.name}; logs: {shlex.quote(str(self.folder))}"
        )

    def start(self) -> None:
        """Submit the jobs that are not in the queue yet.

        Raises:
            SweepError: Slurm refuses the jobs.
            UsageError: The package submitit is not installed.
        """
        queued = len(self._queue())
        if queued:
            logger.info("%d jobs of this study are in the queue already", queued)
        if queued < self._max_jobs:
            self._submit(self._max_jobs - queued)

    def _submit(self, count: int) -> None:
        try:
            from submitit import SlurmExecutor
        except ImportError:
            raise UsageError(
                "the package submitit is not installed", next="pip install 'ddpm-sweep[slurm]', then the same command."
            ) from None
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        _refuse_shared(make_private_folder, self.folder)
        executor = SlurmExecutor(
            self.folder, max_num_timeout=0, python=f"{shlex.quote(sys.executable)} {SAFE_PATH_FLAG}"
        )
        device = self._assignment.device
        executor.update_parameters(job_name=self.name, **self._options.parameters(device))
        arguments = self._assignment.arguments(gpus=self._options.gpus_of(device))
        try:
            # The URL of the store goes through the environment, which sbatch stores with the job: submitit's files
            # contain no password.
            with _environment(self._assignment.environment):
                self._jobs = executor.map_array(run_slurm_job, [arguments] * count)
        except (subprocess.SubprocessError, FailedJobError, FailedSubmissionError) as error:
            raise SweepError(
                "Slurm refuses the jobs",
                why=str(error).strip().splitlines()[-1],
                next="Correct --option, then type the same command.",
            ) from None
        array = self._jobs[0].job_id.partition("_")[0]
        logger.info("submitted %d jobs as %s; logs: %s", count, array, self.folder)
        self._queried_at = -POLL_SECONDS

    @property
    def alive(self) -> int:
        """Number of jobs in the queue that run, wait, or were queued again."""
        if time.monotonic() - self._queried_at > POLL_SECONDS:
            try:
                states = self._queue()
            except (SweepError, subprocess.TimeoutExpired):
                states = self._states  # without an answer the last states stay
            self._empty = 0 if states else self._empty + 1
            if states != self._states and states:
                counts = {state: list(states.values()).count(state) for state in sorted(set(states.values()))}
                logger.info("jobs: %s", ", ".join(f"{count} {state.lower()}" for state, count in counts.items()))
            if states or self._empty >= EMPTY_ANSWERS:
                self._states = states
            self._queried_at = time.monotonic()
        return len(self._states) or int(self._empty < EMPTY_ANSWERS)

    def _queue(self) -> dict[str, str]:
        """{job id: state}, of the jobs with this name."""
        command = ["squeue", "-h", "-r", "-u", getpass.getuser(), "-n", self.name, "-o", "%i|%T"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if result.returncode != 0:
            raise SweepError("Slurm's squeue does not answer", why=result.stderr.strip(), next="Try again in a minute.")
        return dict(line.split("|", 1) for line in result.stdout.split())

    @property
    def exit_codes(self) -> list[int]:
        """Exit codes of the ended jobs that this launch has submitted; 75 for one that Slurm or a person has ended."""
        return [self._exit_code(job) for job in self._jobs if job.job_id not in self._states]

    def _exit_code(self, job: Job[int]) -> int:
        if not job.paths.result_pickle.exists():
            return ExitCode.PREEMPTED
        return ExitCode.FAILED if job.exception() is not None else int(job.result())

    def drain(self) -> None:
        """Does nothing, because the jobs continue without the launching process."""

    def stop(self) -> None:
        """Does nothing, because the jobs continue without the launching process."""

    def join(self) -> None:
        """Cancel the jobs that still wait for a machine, and log the last lines of the jobs that failed."""
        waiting = ["scancel", "-u", getpass.getuser(), "-n", self.name, "-t", "PENDING"]
        subprocess.run(waiting, capture_output=True, timeout=60, check=False)
        for job in self._jobs:
            if self._exit_code(job) == ExitCode.FAILED and job.paths.stderr.exists():
                for line in job.paths.stderr.read_text(errors="replace").splitlines()[-LAST_LINES:]:
                    logger.info("job %s: %s", job.job_id, line)


def job_name(assignment: Assignment) -> str:
    """Name of the jobs of this study in this store, different from that of all other jobs of the user.

    Args:
        assignment: The workers to start.
    """
    # Hashed, so that the name does not show the URL of the store.
    digest = hashlib.sha256(f"{assignment.storage} {assignment.study}".encode()).hexdigest()
    return f"sweep-{assignment.study}-{digest[:6]}"


def _job_folder(assignment: Assignment, options: SlurmOptions) -> Path:
    """The folder of an option; else one in the file store, or in the working folder if the file store is a bucket."""
    files = Path("sweep-data") if "://" in assignment.files else Path(assignment.files)
    folder = files / FOLDER if options.folder is None else Path(options.folder).expanduser()
    return folder.absolute() / assignment.study


def _refuse_shared(check: Callable[[Path], None], folder: Path) -> None:
    """Refuse a folder that others may write to: submitit loads pickles from it, which run as code of this user."""
    try:
        check(folder)
    except UsageError as error:
        raise UsageError(
            f"the files of Slurm jobs cannot be kept in {folder}",
            why=error.why,
            next="Add -o folder=FOLDER, for example ~/sweep-jobs: only you may write to it, and all machines reach it.",
        ) from None


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = os.environ.copy()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
