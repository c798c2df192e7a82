"""Workers on a Slurm cluster, through submitit: an array of jobs, one worker each."""

from __future__ import annotations

import getpass
import hashlib
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
from sweep.errors import SweepError, UsageError
from sweep.executors.placement import Assignment, options_of, require_shared
from sweep.executors.slurm_job import keep_working
from sweep.executors.slurm_options import SlurmOptions
from sweep.executors.supervised import Say
from sweep.files.private import make_private_folder, require_private
from sweep.worker.interrupt import PREEMPTED
from sweep.worker.process_start import SAFE_PATH_FLAG

if TYPE_CHECKING:
    from submitit import Job

FOLDER = "slurm"
# The queue is asked seldom: a cluster's controller serves everybody.
POLL_SECONDS = 5.0
# One empty answer may be a controller that is restarting.
EMPTY_ANSWERS = 2
LAST_LINES = 5


class SlurmWorkers:
    """Jobs in the queue. They stay there when the launcher goes, and the same command does not add to them."""

    detached = True

    def __init__(self, assignment: Assignment, say: Say) -> None:
        require_shared(assignment)
        self._options = options_of(SlurmOptions, assignment.options)
        if assignment.workers is None:
            raise UsageError(
                "how many jobs?", why="A cluster has no natural number of workers.", next="Add -n 8, say: 8 jobs."
            )
        if shutil.which("sbatch") is None or shutil.which("srun") is None:
            raise UsageError(
                "this is no machine of a Slurm cluster", why="There is no sbatch and srun.", next="Log in to one."
            )
        self._assignment = assignment
        self._wanted = min(assignment.workers, max(assignment.work, 1))
        self._say = say
        self.name = job_name(assignment)
        self.folder = _job_folder(assignment, self._options)
        _refuse_shared(require_private, self.folder)
        self._jobs: list[Job[int]] = []
        self._asked_at = -POLL_SECONDS
        self._states: dict[str, str] = {}
        self._empty = 0

    @property
    def monitor_hint(self) -> str:
        """The commands that find them."""
        study = self._assignment.study
        return (
            f"the jobs stay in the queue; next: {command('status', study, '--watch')}, squeue --name {self.name}, "
            f"{command('stop', study)}, or scancel --name {self.name}; logs: {shlex.quote(str(self.folder))}"
        )

    def start(self) -> None:
        """Submit what is not in the queue yet.

        Raises:
            SweepError: Slurm refuses.
        """
        there = len(self._queue())
        if there:
            self._say(f"{there} jobs of this study are in the queue already")
        if there < self._wanted:
            self._submit(self._wanted - there)

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
        executor.update_parameters(job_name=self.name, **self._options.parameters(self._assignment.device))
        arguments = self._assignment.arguments
        try:
            # By environment, which sbatch keeps with the job: what submitit writes into the folder holds no password.
            with _environment(self._assignment.environment):
                self._jobs = executor.map_array(keep_working, [arguments] * count)
        except (subprocess.SubprocessError, FailedJobError, FailedSubmissionError) as error:
            raise SweepError(
                "Slurm does not take the jobs",
                why=str(error).strip().splitlines()[-1],
                next="Correct --option, then launch again.",
            ) from None
        self._say(f"submitted {count} jobs as {self._jobs[0].job_id.partition('_')[0]}; logs: {self.folder}")
        self._asked_at = -POLL_SECONDS

    @property
    def alive(self) -> int:
        """Jobs in the queue: running, waiting, or waiting again."""
        if time.monotonic() - self._asked_at > POLL_SECONDS:
            try:
                states = self._queue()
            except (SweepError, subprocess.TimeoutExpired):
                states = self._states  # no answer is no news
            self._empty = 0 if states else self._empty + 1
            if states != self._states and states:
                counts = {state: list(states.values()).count(state) for state in sorted(set(states.values()))}
                self._say("jobs: " + ", ".join(f"{count} {state.lower()}" for state, count in counts.items()))
            if states or self._empty >= EMPTY_ANSWERS:
                self._states = states
            self._asked_at = time.monotonic()
        return len(self._states) or int(self._empty < EMPTY_ANSWERS)

    def _queue(self) -> dict[str, str]:
        """Job id -> state, of the jobs under this name."""
        command = ["squeue", "-h", "-r", "-u", getpass.getuser(), "-n", self.name, "-o", "%i|%T"]
        asked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if asked.returncode != 0:
            raise SweepError("squeue does not answer", why=asked.stderr.strip(), next="Try again in a minute.")
        return dict(line.split("|", 1) for line in asked.stdout.split())

    @property
    def exit_codes(self) -> list[int]:
        """Of the jobs that this launcher submitted; 75 for one that was ended from outside."""
        return [self._exit_code(job) for job in self._jobs if job.job_id not in self._states]

    def _exit_code(self, job: Job[int]) -> int:
        if not job.paths.result_pickle.exists():
            return PREEMPTED
        return 1 if job.exception() is not None else int(job.result())

    def drain(self) -> None:
        """Nothing: the launcher only leaves."""

    def stop(self) -> None:
        """Nothing either."""

    def join(self) -> None:
        """Cancel what still waits for a machine, and show the last words of those that broke down."""
        waiting = ["scancel", "-u", getpass.getuser(), "-n", self.name, "-t", "PENDING"]
        subprocess.run(waiting, capture_output=True, timeout=60, check=False)
        for job in self._jobs:
            if self._exit_code(job) == 1 and job.paths.stderr.exists():
                for line in job.paths.stderr.read_text(errors="replace").splitlines()[-LAST_LINES:]:
                    self._say(f"job {job.job_id}: {line}")


def job_name(assignment: Assignment) -> str:
    """Tells jobs of this study in this store from all others of the same user."""
    # Hashed, so that the name shows nothing of the store's URL.
    digest = hashlib.sha256(f"{assignment.storage} {assignment.study}".encode()).hexdigest()
    return f"sweep-{assignment.study}-{digest[:6]}"


def _job_folder(assignment: Assignment, options: SlurmOptions) -> Path:
    """In the folder of files; beside the working folder where files are behind a URL; or where an option says."""
    files = Path("sweep-data") if "://" in assignment.files else Path(assignment.files)
    folder = files / FOLDER if options.folder is None else Path(options.folder).expanduser()
    return folder.absolute() / assignment.study


def _refuse_shared(check: Callable[[Path], None], folder: Path) -> None:
    """submitit loads pickles from its folder, in the launcher and in every job: who writes there runs code as us."""
    try:
        check(folder)
    except UsageError as error:
        raise UsageError(
            f"the files of Slurm jobs cannot be kept in {folder}",
            why=error.why,
            next="Add -o folder=~/sweep-jobs, say: a folder of yours alone that the cluster's machines reach.",
        ) from None


@contextmanager
def _environment(more: dict[str, str]) -> Iterator[None]:
    before = os.environ.copy()
    os.environ.update(more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
