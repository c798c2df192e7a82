"""Addresses of stores: the one place that takes them apart and puts them together.

Apart from the store itself, which takes longer to load than parsing a command line may take.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from sweep.errors import StoreUrlError

MAX_CHARACTERS = 4_096
_SQLITE_DRIVERS = ("", "pysqlite")
_POSTGRESQL_DRIVERS = ("", "psycopg", "psycopg_async", "psycopg2", "psycopg2cffi", "asyncpg", "pg8000")
_FORMS = "Use sqlite:///PATH on one machine or postgresql://USER@HOST/DATABASE on many."
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9]*)(?:\+(\w+))?://(.*)", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# A path may hold a question mark; what ends in KEY=VALUE behind one was meant as options.
_OPTIONS = re.compile(r"\?\w+=[^/]*$")


@dataclass(frozen=True)
class SqliteUrl:
    """A file of this machine.

    Attributes:
        path: Absolute.
    """

    path: Path

    @property
    def text(self) -> str:
        """The address; behind `sqlite:///` stands the path as it is, with no character escaped."""
        return f"sqlite:///{self.path}"


@dataclass(frozen=True)
class PostgresUrl:
    """A database of a server.

    Attributes:
        text: The address, which may hold a password.
    """

    text: str = field(repr=False)


def parse_store_url(text: str) -> SqliteUrl | PostgresUrl:
    """Take an address of a store apart. Nothing is opened, and no message repeats the text: it may hold a password.

    Args:
        text: `sqlite:///PATH`, whose path is taken as it is (`%20` is no blank) and may be relative or begin with `~`;
            or `postgresql://USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS`. Names of drivers are understood and left out.

    Raises:
        StoreUrlError: any other text.
    """
    if len(text) > MAX_CHARACTERS:
        raise _unreadable(f"It has {len(text):,} characters; {MAX_CHARACTERS:,} are the most.")
    if _UNPRINTABLE.search(text) is not None:
        raise _unreadable("It holds a control character, or bytes that are no UTF-8.")
    match = _SCHEME.fullmatch(text)
    if match is None:
        raise _unreadable("It is not of the form sqlite:///PATH or postgresql://USER@HOST/DATABASE.")
    kind, driver, rest = match[1].lower(), match[2] or "", match[3]
    if kind == "sqlite" and driver in _SQLITE_DRIVERS:
        return SqliteUrl(_path_of(rest))
    if kind in ("postgresql", "postgres") and driver in _POSTGRESQL_DRIVERS:
        return _postgres(rest)
    raise StoreUrlError(
        f"no store can be kept in {kind}{' by this driver' if driver else ''}",
        why="Leases need its locks to be known and tested; those of SQLite and PostgreSQL are.",
        next=_FORMS,
    )


def is_new(url: str) -> bool:
    """Whether making a store at this address would create a file. False for a database of a server.

    Raises:
        StoreUrlError: it is not the address of a store.
    """
    parsed = parse_store_url(url)
    return isinstance(parsed, SqliteUrl) and not parsed.path.exists()


def _path_of(rest: str) -> Path:
    name = rest.removeprefix("/")
    if rest in ("", "/", ":memory:", "/:memory:") or name.startswith(("file:", ":memory:")):
        raise StoreUrlError(
            "a store must be a file", why="A database in memory is gone with its process.", next="sqlite:///sweep.db"
        )
    if name == rest:
        raise _unreadable("Two slashes are followed by a host, and SQLite has none; a path comes after three.")
    if _OPTIONS.search(name) is not None:
        raise _unreadable("Options of SQLite are not taken; the store sets its own.", "Leave out what follows the `?`.")
    try:
        path = Path(name).expanduser().absolute()
    except RuntimeError:  # ~name, where nobody has that name
        raise _unreadable("It begins with the home folder of a user who is not known here.") from None
    except FileNotFoundError:
        raise StoreUrlError(
            "the folder in which this command was typed is gone",
            why="The path of the store is relative to it.",
            next="cd to a folder that is there, or give an absolute path: sqlite:////PATH",
        ) from None
    if name.endswith("/"):
        raise _unreadable("It ends in a slash, which makes it a folder; a store is a file.")
    return Path("/" + str(path).lstrip("/"))


def _postgres(rest: str) -> PostgresUrl:
    # An unescaped @ would end the password early, and hand what is left of it to the driver as a host.
    if rest.partition("?")[0].count("@") > 1:
        raise _unreadable("It has more than one @.")
    return PostgresUrl(f"postgresql://{rest}")


def _unreadable(why: str, next: str = "") -> StoreUrlError:
    escapes = "In a password write %40 for @, %3A for :, %2F for /, %3F for ?, %23 for #, %25 for %."
    return StoreUrlError("the address of the store cannot be read", why=why, next=next or f"{_FORMS} {escapes}")
