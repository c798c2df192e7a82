"""Optuna's dashboard on a copy of the database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from sweep.api.locations import files_location
from sweep.api.stored_study import store_to_read
from sweep.config.names import require_name
from sweep.errors import UsageError
from sweep.files.file_store import file_store_at
from sweep.store.studies.studies import studies as all_studies
from sweep.store.studies.studies import study as study_named

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HOST = "127.0.0.1"
HOST_NAMES = frozenset({HOST, "localhost"})
"""Names by which a browser of this machine reaches the dashboard, whatever the port: it may come through a tunnel."""


@dataclass(frozen=True)
class Dashboard:
    """A dashboard that listens.

    Attributes:
        url: Address for a browser of this machine.
        study_count: Studies that it shows.
        server: Answers requests in `serve_forever`.
    """

    url: str
    study_count: int
    server: WSGIServer


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _SilentHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Requests are not worth a line."""


@contextmanager
def open_dashboard(
    names: Sequence[str] = (),
    *,
    storage: str | None = None,
    files: str | os.PathLike[str] | None = None,
    port: int = 8080,
) -> Iterator[Dashboard]:
    """Serve Optuna's dashboard to this machine, on a copy of the database as it is now.

    Args:
        names: Names of studies to show; none for all.
        storage: URL of the database; None for SWEEP_STORAGE or `sweep-data/sweep.db`.
        files: Folder or URL of the files of runs; None for SWEEP_FILES or `sweep-data`.
        port: Port to listen at; 0 for any free one.

    Yields:
        The dashboard; call `server.serve_forever()`. It is closed at the end.

    Raises:
        UsageError: optuna-dashboard is not installed, there is no such study, or the port cannot be used.
        StoreError: There is no database, or it cannot be read.
    """
    try:
        from optuna_dashboard import wsgi
    except ImportError:
        raise UsageError(
            "optuna-dashboard is not installed",
            why="Nothing else needs it, so it comes with the extra `dashboard` alone.",
            next="pip install optuna-dashboard",
        ) from None
    from sweep.search.optuna_export import mirror

    with store_to_read(storage) as store:
        studies = [study_named(store, require_name(name)) for name in names] or list(all_studies(store))
        app = wsgi(*mirror(store, studies, file_store_at(files_location(files))))
        try:
            server = make_server(
                HOST, port, for_hosts(app, HOST_NAMES), server_class=_Server, handler_class=_SilentHandler
            )
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be used: {error.strerror}",
                next="sweep dashboard --port 0 takes any that is free.",
            ) from None
        with server:
            yield Dashboard(f"http://{HOST}:{server.server_port}/", len(studies), server)


def for_hosts(app: WSGIApplication, names: frozenset[str]) -> WSGIApplication:
    """An application that answers only requests made to these names.

    A page of the internet that lets its own name lead to this machine (DNS rebinding) would otherwise read what is
    served, in the browser of whoever visits it. A request of another page is refused by its Origin.

    Args:
        app: The application that answers.
        names: Host names without a port, in lower case.

    Returns:
        The application, which answers other requests with 403.
    """

    def checked(environment: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        origin = environment.get("HTTP_ORIGIN")
        is_own_host = _host_name(f"//{environment.get('HTTP_HOST', '')}") in names
        if is_own_host and (origin is None or _host_name(origin) in names):
            return app(environment, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"This is served to {' and '.join(sorted(names))} alone.\n".encode()]

    return checked


def _host_name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
