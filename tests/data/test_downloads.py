"""torchvision's own readers and downloaders, on small files in the published formats from a server on this machine."""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import os
import pickle
import struct
import tarfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10, FashionMNIST

from sweep.data.downloads import FASHION_MNIST_MD5, MNIST_MD5, PARTIAL, Fetching, read_cifar10, read_mnist_like
from sweep.data.sources import load_dataset
from sweep.errors import DataError

FETCHING = Fetching(allowed=True)
RNG = np.random.default_rng(0)
TRAIN = RNG.integers(0, 256, (20, 28, 28), dtype=np.uint8)
TEST = RNG.integers(0, 256, (6, 28, 28), dtype=np.uint8)


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def idx_files() -> dict[str, bytes]:
    """LeCun's IDX format: two zero bytes, 8 for uint8, the number of axes, big-endian lengths, bytes."""

    def idx(values: np.ndarray) -> bytes:
        return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()

    files = {}
    for split, images in (("train", TRAIN), ("t10k", TEST)):
        files[f"{split}-images-idx3-ubyte"] = idx(images)
        files[f"{split}-labels-idx1-ubyte"] = idx(np.arange(len(images), dtype=np.uint8) % 10)
    return files


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which it is served."""
    monkeypatch.setenv("no_proxy", "*")
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def tiny_mnist(folder: Path, address: str) -> tuple[type[FashionMNIST], dict[str, str]]:
    """Put the archives on the server; a torchvision reader that downloads them, and their checksums."""
    files = idx_files()
    archives = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in files.items()}
    for name, content in archives.items():
        (folder / name).write_bytes(content)

    class TinyMNIST(FashionMNIST):
        mirrors = [address]
        resources = [(name, md5(content)) for name, content in archives.items()]

    return TinyMNIST, {name: md5(content) for name, content in files.items()}


def test_downloads_once_and_reads_the_published_format(tmp_path: Path, served: tuple[Path, str]) -> None:
    reader, checksums = tiny_mnist(*served)
    root = tmp_path / "root"
    train, test = read_mnist_like(reader, checksums, root=root, fetching=FETCHING)
    assert train[0].dtype == torch.uint8
    np.testing.assert_array_equal(train[0][:, 0], TRAIN)
    np.testing.assert_array_equal(test[0][:, 0], TEST)
    assert train[1].dtype == torch.int64
    assert test[1].tolist() == list(range(6))
    assert [path.name for path in root.iterdir()] == ["TinyMNIST"]  # nothing half-made is left beside it

    for archive in served[0].iterdir():
        archive.unlink()
    again, _ = read_mnist_like(reader, checksums, root=root, fetching=FETCHING)
    assert torch.equal(again[0], train[0])


def test_a_wrong_archive_is_refused_and_leaves_nothing(tmp_path: Path, served: tuple[Path, str]) -> None:
    reader, checksums = tiny_mnist(*served)
    archive = served[0] / "t10k-labels-idx1-ubyte.gz"
    archive.write_bytes(archive.read_bytes()[:-9])
    with pytest.raises(DataError) as error:
        read_mnist_like(reader, checksums, root=tmp_path / "root", fetching=FETCHING)
    assert "the download failed" in error.value.why
    assert list((tmp_path / "root").iterdir()) == []


def test_an_archive_with_other_content_is_refused_and_leaves_nothing(tmp_path: Path, served: tuple[Path, str]) -> None:
    reader, checksums = tiny_mnist(*served)
    with pytest.raises(DataError, match="lacks") as error:
        read_mnist_like(
            reader, {**checksums, "train-images-idx3-ubyte": "0" * 32}, root=tmp_path / "r", fetching=FETCHING
        )
    assert "something else than the published file" in error.value.why
    assert list((tmp_path / "r").iterdir()) == []


def test_an_interrupted_download_is_made_good(tmp_path: Path, served: tuple[Path, str]) -> None:
    """One file missing, as after a kill between two moves."""
    reader, checksums = tiny_mnist(*served)
    root = tmp_path / "root"
    read_mnist_like(reader, checksums, root=root, fetching=FETCHING)
    (root / "TinyMNIST/raw/t10k-images-idx3-ubyte").unlink()
    _, test = read_mnist_like(reader, checksums, root=root, fetching=FETCHING)
    np.testing.assert_array_equal(test[0][:, 0], TEST)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-100]),
    "altered": lambda file: file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 1])),
    "empty": lambda file: file.write_bytes(b""),
    "folder": lambda file: (file.unlink(), (file / "of").mkdir(parents=True)),
    "pipe": lambda file: (file.unlink(), os.mkfifo(file)),
    "link to itself": lambda file: (file.unlink(), file.symlink_to(file.name)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_downloaded_again_although_torchvision_would_look_away(
    tmp_path: Path, served: tuple[Path, str], caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    reader, checksums = tiny_mnist(*served)
    root = tmp_path / "root"
    read_mnist_like(reader, checksums, root=root, fetching=FETCHING)
    file = root / "TinyMNIST/raw/train-images-idx3-ubyte"
    DAMAGES[damage](file)
    if damage == "altered":
        assert len(reader(root=root, train=True)) == 20  # the peer's check: the file is there
    with pytest.raises(DataError) as error:
        read_mnist_like(reader, checksums, root=root, fetching=Fetching(allowed=False))
    assert str(file) in error.value.what
    assert f"remove {file.parent}" in error.value.next
    train, _ = read_mnist_like(reader, checksums, root=root, fetching=FETCHING)
    np.testing.assert_array_equal(train[0][:, 0], TRAIN)
    assert "damaged, so it is downloaded again" in caplog.text


def test_what_a_killed_download_has_left_is_removed_and_what_is_under_way_is_not(
    tmp_path: Path, served: tuple[Path, str]
) -> None:
    reader, checksums = tiny_mnist(*served)
    root = tmp_path / "root"
    for name in ("killed", "running"):
        (root / f"{PARTIAL}{name}").mkdir(parents=True)
        os.utime(root / f"{PARTIAL}{name}", (0, 0))
    handle = os.open(root / f"{PARTIAL}running", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    read_mnist_like(reader, checksums, root=root, fetching=FETCHING)
    os.close(handle)
    assert sorted(path.name for path in root.iterdir()) == [f"{PARTIAL}running", "TinyMNIST"]


def test_a_download_tells_how_far_it_is_and_torchvision_draws_no_bar(
    tmp_path: Path, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sweep.data.download_progress.POLL_SECONDS", 0.0005)
    reader, checksums = tiny_mnist(*served)
    total = sum(archive.stat().st_size for archive in served[0].iterdir())
    counts: list[tuple[int, int]] = []
    fetching = Fetching(allowed=True, total_bytes=total, on_bytes=lambda done, of: counts.append((done, of)))
    read_mnist_like(reader, checksums, root=tmp_path / "root", fetching=fetching)
    assert {of for _, of in counts} == {total}
    assert 0 < max(done for done, _ in counts) <= total
    assert capsys.readouterr().err == ""


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every connection goes to a proxy that is not there."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("name", "folder"),
    [("mnist", "MNIST/raw"), ("fashion_mnist", "FashionMNIST/raw"), ("cifar10", "cifar-10-batches-py")],
)
@pytest.mark.parametrize("download", [True, False])
def test_offline_says_what_to_do(tmp_path: Path, name: str, folder: str, download: bool) -> None:
    with pytest.raises(DataError) as error:
        load_dataset(name, root=tmp_path, download=download)
    assert str(tmp_path / folder) in error.value.what
    assert ("the download failed" in error.value.why) is download
    assert f"where DIR holds {folder}" in error.value.next
    assert "SWEEP_DATA=DIR sweep launch STUDY" in error.value.next
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_cannot_be_written_is_an_answer_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="lacks"):
        load_dataset("mnist", root=tmp_path / "file" / "below")


def test_checksums_are_those_of_the_publishers() -> None:
    """The archives that torchvision pins unpack to these files, as the data set's users publish them."""
    names = {name.removesuffix(".gz") for name, _ in FashionMNIST.resources}
    assert set(FASHION_MNIST_MD5) == set(MNIST_MD5) == names
    assert len({*FASHION_MNIST_MD5.values(), *MNIST_MD5.values()}) == 8


def tiny_cifar(folder: Path, address: str, levels: np.ndarray) -> Any:
    """Krizhevsky's format: pickled rows of 1024 red, 1024 green and 1024 blue bytes, row by row."""
    folder.mkdir(exist_ok=True)
    batches = folder / "cifar-10-batches-py"
    batches.mkdir()
    contents: dict[str, Any] = {
        "data_batch_1": {"data": levels[:8], "labels": [k % 10 for k in range(8)]},
        "data_batch_2": {"data": levels[8:16], "labels": [k % 10 for k in range(8)]},
        "test_batch": {"data": levels[16:], "labels": [9, 8]},
        "batches.meta": {"label_names": list("abcdefghij")},
    }
    sums = {}
    for name, content in contents.items():
        (batches / name).write_bytes(pickle.dumps(content))
        sums[name] = md5((batches / name).read_bytes())
    with tarfile.open(folder / "tiny.tar.gz", "w:gz") as archive:
        archive.add(batches, "cifar-10-batches-py")

    class TinyCIFAR(CIFAR10):
        url = f"{address}tiny.tar.gz"
        filename = "tiny.tar.gz"
        tgz_md5 = md5((folder / "tiny.tar.gz").read_bytes())
        train_list = [[name, sums[name]] for name in ("data_batch_1", "data_batch_2")]
        test_list = [["test_batch", sums["test_batch"]]]
        meta = {**CIFAR10.meta, "md5": sums["batches.meta"]}

    return TinyCIFAR


def test_cifar_rows_become_channels_first(tmp_path: Path, served: tuple[Path, str]) -> None:
    levels = RNG.integers(0, 256, (18, 3072), dtype=np.uint8)
    reader = tiny_cifar(*served, levels)
    train, test = read_cifar10(reader, root=tmp_path / "root", fetching=FETCHING)
    np.testing.assert_array_equal(train[0], levels[:16].reshape(16, 3, 32, 32))
    assert train[0][0, 1, 2, 3] == levels[0, 1024 + 2 * 32 + 3]  # green, row 2, column 3
    assert train[1].dtype == torch.int64
    assert test[1].tolist() == [9, 8]


def test_a_tampered_pickle_is_never_opened(tmp_path: Path, served: tuple[Path, str]) -> None:
    levels = RNG.integers(0, 256, (18, 3072), dtype=np.uint8)
    reader = tiny_cifar(*served, levels)
    read_cifar10(reader, root=tmp_path / "root", fetching=FETCHING)
    marker = tmp_path / "opened"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (marker,))

    batch = tmp_path / "root/cifar-10-batches-py/test_batch"
    batch.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(DataError, match="test_batch is not the published file"):
        read_cifar10(reader, root=tmp_path / "root", fetching=Fetching(allowed=False))
    read_cifar10(reader, root=tmp_path / "root", fetching=FETCHING)
    assert not marker.exists()
