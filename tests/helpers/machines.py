"""Two machines in one: network namespaces with addresses and host names of their own, that can be cut off.

Where this user may make no namespaces, a machine is a working folder, and a relay that holds its bytes cuts it off.
"""

from __future__ import annotations

import os
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import URL, make_url


class Relay(socketserver.ThreadingTCPServer):
    """Passes TCP connections on to PostgreSQL, which listens on a socket in the file system alone."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str, target: Path) -> None:
        super().__init__((address, 0), _Connection)
        self.target = target
        self.open = threading.Event()
        self.open.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Connection(socketserver.BaseRequestHandler):
    server: Relay

    def handle(self) -> None:
        with socket.socket(socket.AF_UNIX) as there:
            there.connect(str(self.server.target))
            back = threading.Thread(target=self._copy, args=(there, self.request), daemon=True)
            back.start()
            self._copy(self.request, there)
            back.join()

    def _copy(self, source: Any, sink: Any) -> None:
        with suppress(OSError):
            while content := source.recv(65536):
                self.server.open.wait()
                sink.sendall(content)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Machine:
    """One machine: a working folder, a way to the database, and workers."""

    def __init__(self, number: int, folder: Path, database: URL, *, namespaced: bool) -> None:
        self.name = f"sweep{uuid4().hex[:6]}{number}"
        self.folder = folder / self.name
        self.folder.mkdir()
        self._namespaced = namespaced
        ours, self._theirs = f"10.201.{number}.1", f"10.201.{number}.2"
        if namespaced:
            self._make_namespace(ours)
        self._relay = Relay(ours if namespaced else "127.0.0.1", Path(str(database.query["host"])) / ".s.PGSQL.5432")
        self.url = database.set(
            host=str(self._relay.server_address[0]), port=self._relay.port, query={}
        ).render_as_string(hide_password=False)
        self._workers: list[subprocess.Popen[str]] = []

    def _make_namespace(self, ours: str) -> None:
        outside, inside = f"{self.name}o"[-15:], f"{self.name}i"[-15:]
        self._link = outside
        for command in (
            f"netns add {self.name}",
            f"link add {outside} type veth peer name {inside} netns {self.name}",
            f"address add {ours}/30 dev {outside}",
            f"link set {outside} up",
            f"-n {self.name} address add {self._theirs}/30 dev {inside}",
            f"-n {self.name} link set {inside} up",
            f"-n {self.name} link set lo up",
        ):
            subprocess.run(["ip", *command.split()], check=True, timeout=30)

    def worker(self, study: str, files: str, *more: str) -> subprocess.Popen[str]:
        """`sweep worker` as somebody types it on this machine."""
        command = [
            sys.executable,
            "-m",
            "sweep",
            "worker",
            "--study",
            study,
            "--device",
            "cpu",
            "--threads",
            "1",
            *more,
        ]
        if self._namespaced:
            named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', self.name]
            command = ["ip", "netns", "exec", self.name, *named, *command]
        log = (self.folder / "said.txt").open("a")
        started = subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=log,
            stderr=log,
            env=os.environ
            | {
                "SWEEP_STORAGE": self.url,
                "SWEEP_FILES": files,
                "XDG_CACHE_HOME": str(self.folder / "cache"),
            },
        )
        log.close()
        self._workers.append(started)
        return started

    def said(self) -> str:
        """What its workers said."""
        return (self.folder / "said.txt").read_text()

    def cut_off(self) -> None:
        """No byte gets in or out; nobody is told."""
        if self._namespaced:
            subprocess.run(["ip", "link", "set", self._link, "down"], check=True, timeout=30)
        else:
            self._relay.open.clear()

    def reconnect(self) -> None:
        """The cable is plugged in again."""
        if self._namespaced:
            subprocess.run(["ip", "link", "set", self._link, "up"], check=True, timeout=30)
        self._relay.open.set()

    def close(self) -> None:
        """End its workers and take it down."""
        for worker in self._workers:
            worker.kill()
            worker.wait()
        self._relay.shutdown()
        self._relay.server_close()
        if self._namespaced:
            subprocess.run(["ip", "netns", "delete", self.name], check=False, timeout=30)


def _may_make_namespaces() -> bool:
    if shutil.which("ip") is None or shutil.which("unshare") is None or os.geteuid() != 0:
        return False
    name = f"sweep{uuid4().hex[:8]}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, timeout=30).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "delete", name], check=True, timeout=30)
    return made


@contextmanager
def two_machines(database: str, folder: Path) -> Iterator[tuple[Machine, Machine]]:
    """Two machines that reach one database; both are gone at the end."""
    namespaced = _may_make_namespaces()
    made: list[Machine] = []
    try:
        for number in (1, 2):
            made.append(Machine(number, folder, make_url(database), namespaced=namespaced))
        yield made[0], made[1]
    finally:
        for machine in made:
            machine.close()
