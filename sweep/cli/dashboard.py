"""`sweep dashboard`: Optuna's dashboard on a copy of the store."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from sweep.cli.options import DEFAULT_FILES, DEFAULT_STORAGE, Files, Storage

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = logging.getLogger(__name__)

HOST = "127.0.0.1"
NAMES = frozenset({HOST, "localhost"})
"""By which a browser of this machine reaches it, whatever the port: it may come through a tunnel."""


def dashboard(
    studies: Annotated[list[str] | None, typer.Argument(help="Studies to show; all by default.")] = None,
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8080,
) -> None:
    """Open Optuna's dashboard in a browser.

    Every cell is shown as a trial with its sample grid, in any design and not only in searches.

    The dashboard shows a copy of the database as it is now: nothing done there changes the study, and newer results
    appear when the command is started again. Only this machine can reach it. Ctrl-C ends it.

    \b
    Examples: sweep dashboard digits
              sweep dashboard --port 0
    """
    from socketserver import ThreadingMixIn
    from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

    from sweep.cli.terminal import echo
    from sweep.config.names import require_name
    from sweep.errors import UsageError
    from sweep.files.file_store import file_store_at
    from sweep.store import read_store
    from sweep.store.studies.studies import studies as all_studies
    from sweep.store.studies.studies import study as find

    try:
        from optuna_dashboard import wsgi
    except ImportError:
        raise UsageError(
            "optuna-dashboard is not installed",
            why="Nothing else needs it, so it comes with the extra `dashboard` alone.",
            next="pip install optuna-dashboard",
        ) from None
    from sweep.search.optuna_export import mirror

    class Server(ThreadingMixIn, WSGIServer):
        daemon_threads = True

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Requests are not worth a line."""

    store = read_store(storage)
    shown = [find(store, require_name(name)) for name in studies] if studies else list(all_studies(store))
    app = wsgi(*mirror(store, shown, file_store_at(files)))
    try:
        server = make_server(HOST, port, for_hosts(app, NAMES), server_class=Server, handler_class=Quiet)
    except OSError as error:
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}", next="sweep dashboard --port 0 takes any that is free."
        ) from None
    echo(f"http://{HOST}:{server.server_port}/")
    logger.info(f"a copy of {len(shown)} studies; changes made there stay there. Ctrl-C ends it.")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            logger.info("ended")


def for_hosts(app: WSGIApplication, names: frozenset[str]) -> WSGIApplication:
    """An application that answers only requests made to these names.

    A page of the internet that lets its own name lead to this machine (DNS rebinding) would else read what is served
    here, in the browser of whoever visits it. A request of another page is refused by its Origin.

    Args:
        app: What answers.
        names: Host names without a port, in lower case.
    """

    def checked(environment: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        origin = environment.get("HTTP_ORIGIN")
        if _name(f"//{environment.get('HTTP_HOST', '')}") in names and (origin is None or _name(origin) in names):
            return app(environment, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"This is served to {' and '.join(sorted(names))} alone.\n".encode()]

    return checked


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
