"""Files of weights that trainings begin with: found where a study names them, and archived with the files of runs."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from sweep.config.starting_weights import StartingWeights
from sweep.errors import DataError, UnreadableCheckpoint
from sweep.files.atomic import atomic_file
from sweep.files.file_store import FileStore
from sweep.files.hashes import sha256_of_file

FILES_OF_FOLDERS = ("model.safetensors", "unet/diffusion_pytorch_model.safetensors")
"""Where an exported folder, or a pipeline of diffusers, has its weights."""


def pinned(weights: StartingWeights) -> StartingWeights:
    """Weights with the hash of their file, and a path that every process understands alike.

    Args:
        weights: As the study file names them.

    Raises:
        DataError: The file is missing, or another than the hash says.
    """
    file = _file_of(weights.path).absolute()
    sha256 = sha256_of_file(file)
    if weights.sha256 not in (None, sha256):
        raise DataError(
            f"init_from: {file} is another file than the study says",
            why=f"Its sha256 is {sha256[:16]}..., not {str(weights.sha256)[:16]}...",
            next="Bring the file back, or remove the hash from the study.",
        )
    return StartingWeights(path=str(file), sha256=sha256)


def _file_of(name: str) -> Path:
    path = Path(name)
    with suppress(RuntimeError):  # no such user
        path = path.expanduser()
    candidates = [path / each for each in FILES_OF_FOLDERS] if path.is_dir() else [path]
    for candidate in candidates:
        if candidate.is_file() and candidate.suffix == ".safetensors":
            return candidate
    raise DataError(
        f"init_from: {name}: no weights there",
        why=f"A .safetensors file, or a folder with {' or '.join(FILES_OF_FOLDERS)}, is expected.",
        next="sweep export model STUDY RUN writes such a folder.",
    )


def archive_weights(files: FileStore, weights: StartingWeights) -> None:
    """Put a file of weights into the file store, under its hash, unless it is there.

    Args:
        files: The file store.
        weights: The file, with its hash.

    Raises:
        FileStoreError: The store refuses it, or does not answer.
    """
    path = _archived(str(weights.sha256))
    try:
        required_weights(files, weights)
    except DataError:
        with atomic_file(files.path(path)) as copy, Path(weights.path).open("rb") as source:
            shutil.copyfileobj(source, copy)
        files.put(path)


def required_weights(files: FileStore, weights: StartingWeights) -> Path:
    """The archived file of weights, checked by its hash.

    Args:
        files: The file store.
        weights: The file, with its hash.

    Raises:
        DataError: It is not there, or damaged.
        FileStoreError: The store does not answer.
    """
    try:
        path = files.fetch(_archived(str(weights.sha256)), str(weights.sha256))
        if not path.is_file() or sha256_of_file(path) != weights.sha256:
            raise UnreadableCheckpoint(f"{path} is missing or altered")
        return path
    except UnreadableCheckpoint as error:
        raise DataError(
            f"the weights of init_from with hash {str(weights.sha256)[:16]} are not in the files at {files}",
            why=error.what,
            next="Give the files of the launch: --files, or SWEEP_FILES; or launch the study again.",
        ) from None


def _archived(sha256: str) -> str:
    return f"starting-weights/{sha256}.safetensors"
