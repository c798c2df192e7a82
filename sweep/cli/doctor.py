"""`sweep doctor`: is everything well?"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from sweep.cli.options import DEFAULT_FILES, DEFAULT_STORAGE, Files, Json, Storage, store_options
from sweep.commands import command

if TYPE_CHECKING:
    from sweep.files.file_store import FileStore
    from sweep.store.sql.transaction import Store

logger = logging.getLogger(__name__)

LITTLE_ROOM = 2e9
UNWELL = 1


def doctor(
    storage: Storage = DEFAULT_STORAGE,
    files: Files = DEFAULT_FILES,
    reap: Annotated[bool, typer.Option("--reap", help="Release the work of dead workers of this machine.")] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring the tables of an older version up to date.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check database, disk, device, versions and leases.

    Each problem is printed with the way to repair it. Changes nothing without --reap or --migrate.

    --reap is needed only where no worker runs: a running worker takes over the work of dead ones by itself.

    \b
    Examples: sweep doctor
              sweep doctor --reap
              sweep doctor --migrate
    """
    from sweep.cli.console import stdout, table
    from sweep.cli.terminal import print_json
    from sweep.errors import StoreError
    from sweep.files.file_store import file_store_at
    from sweep.store import expire_dead_local, open_existing, read_store
    from sweep.worker.identity import boot_id, host, is_alive

    found, code = _machine(file_store_at(files)), 0
    try:
        store = open_existing(storage) if reap or migrate else read_store(storage)
        if reap:
            dead = expire_dead_local(store, host=host(), boot_id=boot_id(), alive=is_alive)
            logger.info(f"{len(dead)} dead workers of this machine; their work is free")
        found += _studies(store, store_options(storage))
    except StoreError as error:
        found.append(("store", " ".join(part for part in (f"{error.what}.", error.why) if part), error.next))
        code = error.exit_code
    if as_json:
        print_json([{"what": what, "well": not mend, "found": value, "next": mend} for what, value, mend in found])
    else:
        stdout.print(table("", ["what", "found", "next"], [(w, v, mend or "-") for w, v, mend in found]))
    raise typer.Exit(code or (UNWELL if any(mend for _, _, mend in found) else 0))


def _machine(file_store: FileStore) -> list[tuple[str, str, str]]:
    import shutil

    from sweep.cli.terminal import size
    from sweep.errors import FileStoreError
    from sweep.executors.devices import cores, gpus

    there = next(folder for folder in (file_store.folder, *file_store.folder.parents) if folder.exists())
    room = shutil.disk_usage(there).free
    unmade = file_store.url is None and not file_store.folder.exists()
    refused = "" if unmade else file_store.check()
    mend = "Give --files FOLDER or URL." if refused else ""
    try:
        if not unmade:
            file_store.require_access()
    except FileStoreError as error:
        refused, mend = f"{error.what}: {error.why}", error.next
    state = "not made yet; the first launch makes it" if unmade else "writable"
    return [
        ("devices", f"{cores()} CPU cores, {len(gpus())} GPUs", ""),
        ("room for files", f"{size(room)} under {there}", "Free some: sweep gc" if room < LITTLE_ROOM else ""),
        ("files", refused or f"{file_store}: {state}", mend),
    ]


def _studies(store: Store, options: Sequence[str]) -> list[tuple[str, str, str]]:
    from sweep.search.remaining import status_of
    from sweep.search.versions import versions
    from sweep.store import studies
    from sweep.store.sql.engine import shown

    here = versions()
    found = [("store", shown(store.engine), ""), *_room_for_store(store)]
    for record in studies(store):
        now = status_of(store, record.id)
        stale = sum(work.is_stale for work in now.running)
        left = f"{now.trainings_left} trainings ({now.to_come} to come) and {now.scores_left} scores left"
        what = f"{record.state}, {left}, {stale} stale leases"
        mend = command("worker", "--study", record.name, *options) if now.is_stalled else ""
        if record.state in ("paused", "stopped"):
            mend = command("resume", record.name, *options)
        found.append((f"study {record.name}", what, mend))
        for disk in now.full_disks:
            reason = disk.reason.splitlines()[0] if disk.reason else "a file could not be written"
            found.append((f"disk of {disk.host}", f"full: {reason}", "Free some there: sweep gc --delete"))
        other = {name: old for name, old in record.versions.items() if here.get(name, old) != old}
        if other:
            told = ", ".join(f"{name} {old} (here {here[name]})" for name, old in other.items())
            found.append((f"versions of {record.name}", told, "Install the same, or start under a new name."))
    return found


def _room_for_store(store: Store) -> list[tuple[str, str, str]]:
    from sweep.cli.terminal import size
    from sweep.store.queries.disks import room_left

    room = room_left(store.engine)
    if room is None:
        return []
    mend = f"Free some in {room.folder}." if room.is_little else ""
    return [("room for the store", f"{size(room.bytes)} under {room.folder}", mend)]
