"""An S3 server on the loopback, and what a user sets to reach it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

BUCKET = "sweep-files"
KEY, SECRET = "a-key", "a-very-secret-key"


@contextmanager
def object_store(address: str = "127.0.0.1", port: int = 0) -> Iterator[dict[str, str]]:
    """The environment under which `s3://sweep-files/...` is a bucket of a real server."""
    server = ThreadedMotoServer(ip_address=address, port=port, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        urlopen(Request(f"http://{host}:{port}/{BUCKET}", method="PUT")).close()
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
    finally:
        server.stop()
        gc.collect()  # closes the connections of clients that are gone
