"""A real Slurm on this machine: munged, slurmctld and two slurmd, with keys, ports and folders of their own."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.helpers.worker_processes import until

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue", "sinfo")
INSTALL = "apt-get install slurmctld slurmd slurm-client munge"
NODES = ("n1", "n2")
_SBIN = "/usr/sbin:/sbin"

_CONF = """
ClusterName=sweep
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=10
KillWait=30
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
JobRequeue=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={n1} CPUs=1 Gres=gpu:1
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={n2} CPUs=1 Gres=gpu:1
PartitionName=main Nodes=ALL Default=YES PriorityTier=1 GraceTime=30
PartitionName=urgent Nodes=ALL PriorityTier=10
"""
# Slurm deals out what it is told, and looks only whether the device file is there.
_GPUS = """
NodeName=n1 Name=gpu File=/dev/null
NodeName=n2 Name=gpu File=/dev/null
"""


class Slurm:
    """A cluster of two nodes with one CPU and one GPU each, the latter on paper; partition `urgent` preempts `main`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{os.environ['PATH']}:{_SBIN}",
        }

    def start(self) -> None:
        """All daemons, until both nodes are idle."""
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        (self.folder / "gres.conf").write_text(_GPUS)
        ports = dict(zip(("controller", *NODES), _free_ports(3), strict=True))
        (self.folder / "slurm.conf").write_text(
            _CONF.format(host=socket.gethostname(), folder=self.folder, user=getpass.getuser(), **ports)
        )
        at = {"socket": "socket", "key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={self.folder}/munge.{ending}" for option, ending in at.items()]
        self._daemon("munged", "--foreground", "--force", *options)
        until((self.folder / "munge.socket").exists, 10)
        self._daemon("slurmctld", "-D", "-c")
        for node in NODES:
            self.start_node(node)
        until(lambda: self.states() == ["idle", "idle"], 60)

    def start_node(self, node: str) -> None:
        """One slurmd."""
        (self.folder / f"spool.{node}").mkdir(exist_ok=True)
        self._daemon(node, "-D", "-N", node, program="slurmd")

    def kill_node(self, node: str) -> None:
        """As when a machine loses its power: the daemon, its steps and the jobs, with no word to anybody."""
        jobs = self._of_node(node)
        # Those that could tell of the others go first.
        for pid in [self._daemons[node].pid, *{parent for pid in jobs if (parent := _step_of(pid))}, *jobs]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._daemons.pop(node).wait()

    def _of_node(self, node: str) -> list[int]:
        return [
            pid
            for pid, environment in _environments()
            if f"SLURMD_NODENAME={node}".encode() in environment and str(self.folder).encode() in environment
        ]

    def run(self, *command: str, **more: str) -> str:
        """Output of a client command."""
        done = subprocess.run(command, env=self.environment | more, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def states(self) -> list[str]:
        """Of the nodes."""
        with suppress(AssertionError):
            return [line.strip("*~#$ ") for line in self.run("sinfo", "-h", "-N", "-p", "main", "-o", "%t").split()]
        return []

    def queue(self) -> Mapping[str, tuple[str, str]]:
        """Job id (of an array: `7_0`) -> state and node."""
        lines = self.run("squeue", "-h", "-r", "-o", "%i|%T|%N").split()
        return {name: (state, node) for name, state, node in (line.split("|") for line in lines)}

    def stop(self) -> None:
        """End everything that was started here, jobs first."""
        with suppress(AssertionError, subprocess.TimeoutExpired):
            self.run("scancel", "--user", getpass.getuser(), "--signal=KILL")
        for daemon in self._daemons.values():
            daemon.kill()
            daemon.wait()
        deadline = time.monotonic() + 10.0
        while (left := self._strays()) and time.monotonic() < deadline:
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)

    def _strays(self) -> list[int]:
        conf = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        return [pid for pid, environment in _environments() if conf in environment and pid != os.getpid()]

    def _daemon(self, name: str, *arguments: str, program: str = "") -> None:
        path = shutil.which(program or name, path=self.environment["PATH"])
        assert path is not None
        log = (self.folder / f"{name}.out").open("ab")
        self._daemons[name] = subprocess.Popen(
            [path, *arguments], env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()


@contextmanager
def slurm_cluster() -> Iterator[Slurm]:
    """A cluster for a test; everything of it is gone at the end."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:{_SBIN}") is None]
    assert not missing, f"Slurm is tested on the real one, and {', '.join(missing)} are missing: {INSTALL}"
    cluster = Slurm(Path(tempfile.mkdtemp(prefix="sweep-slurm-", dir="/tmp")))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _step_of(pid: int) -> int | None:
    """The slurmstepd that has this process as a child."""
    with suppress(OSError):
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        if "slurmstepd" in Path(f"/proc/{parent}/comm").read_text():
            return parent
    return None


def _environments() -> Iterator[tuple[int, bytes]]:
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            yield int(path.parent.name), path.read_bytes()
