"""An S3 server on the loopback, and what a user sets to reach it."""

from __future__ import annotations

import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

BUCKET = "sweep-files"
KEY, SECRET = "a-key", "a-very-secret-key"


@contextmanager
def object_store(address: str = "127.0.0.1", port: int = 0) -> Iterator[dict[str, str]]:
    """The environment under which `s3://sweep-files/...` is a bucket of a real server."""
    server = ThreadedMotoServer(ip_address=address, port=port, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield _with_bucket(f"http://{host}:{port}")
    finally:
        server.stop()
        _forget_clients()


@dataclass(frozen=True)
class Server:
    """A server in a process of its own, so that it can be stopped and continued.

    Attributes:
        environment: Under which `s3://sweep-files/...` is a bucket of it.
    """

    pid: int
    environment: dict[str, str]


@contextmanager
def served() -> Iterator[Server]:
    """A server in a process of its own."""
    command = [sys.executable, str(Path(sys.executable).with_name("moto_server")), "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            found = next(found for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
            yield Server(process.pid, _with_bucket(found[0]))
        finally:
            process.kill()
            _forget_clients()


def _forget_clients() -> None:
    """fsspec keeps a filesystem for each process, which a later server of the same process would not be asked by."""
    S3FileSystem.clear_instance_cache()
    gc.collect()  # closes their connections


def _with_bucket(endpoint: str) -> dict[str, str]:
    urlopen(Request(f"{endpoint}/{BUCKET}", method="PUT")).close()
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
