"""Whatever happens to a cache of preparation, the same numbers come out, and nothing else."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from sweep.data.dataset import Dataset
from sweep.files.caches import find_or_build, read_cache, read_sealed, write_sealed
from sweep.scoring.classifier import RECIPES
from sweep.scoring.classifier_file import find_classifier
from sweep.scoring.evaluator import Evaluator, open_evaluator, resolve_protocol

Damage = Callable[[Path, Path], None]


def _other_file(path: Path, other: Path) -> None:
    shutil.copy(other, path)


def _folder(path: Path, _: Path) -> None:
    path.unlink()
    (path / "of").mkdir(parents=True)


def _pipe(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _loop(path: Path, _: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _flipped(where: float) -> Damage:
    def flip(path: Path, _: Path) -> None:
        content = bytearray(path.read_bytes())
        content[int(where * (len(content) - 1))] ^= 1
        path.write_bytes(content)

    return flip


DAMAGES: dict[str, Damage] = {
    "empty": lambda path, _: path.write_bytes(b"") and None,
    "cut": lambda path, _: path.write_bytes(path.read_bytes()[:-7]) and None,
    "first byte": _flipped(0.0),
    "middle byte": _flipped(0.5),
    "late byte": _flipped(0.95),
    "no text": lambda path, _: path.write_bytes(b"\xff\xfe\x00[[[") and None,
    "other JSON": lambda path, _: path.write_text("[1, 2]") and None,
    "deep JSON": lambda path, _: path.write_text("[" * 100_000) and None,
    "another key's file": _other_file,
    "folder": _folder,
    "pipe": _pipe,
    "unreadable": _loop,  # an error for every user, root too
    "gone": lambda path, _: path.unlink(),
}
CACHES = {
    "weights": "digits-cnn-*.pt",
    "note of the weights": "digits-cnn-*.json",
    "reference": "reference-*.npz",
    "note of the reference": "reference-*.json",
    "bounds": "bounds-*.json",
}


@dataclasses.dataclass(frozen=True)
class Prepared:
    dataset: Dataset
    folder: Path
    others: Path
    evaluator: Evaluator


def prepared_in(folder: Path, dataset: Dataset, n: int) -> Evaluator:
    protocol = resolve_protocol(dataset, "classifier", n=n, folder=folder)
    return open_evaluator(protocol, dataset, folder=folder)


@pytest.fixture(scope="module")
def prepared(digits: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Caches of a part of digits, and valid ones of the same kinds for other labels, images and n."""
    assert digits.train_labels is not None
    assert digits.test_labels is not None
    small = dataclasses.replace(digits, train=digits.train[:400], train_labels=digits.train_labels[:400])
    renamed = dataclasses.replace(
        digits, train=digits.train[:399], train_labels=9 - digits.train_labels[:399], test_labels=9 - digits.test_labels
    )
    folder, others = tmp_path_factory.mktemp("caches"), tmp_path_factory.mktemp("others")
    with pytest.MonkeyPatch.context() as patch:
        quick(patch)
        prepared_in(others, renamed, 50)
        return Prepared(small, folder, others, prepared_in(folder, small, 60))


def quick(patch: pytest.MonkeyPatch) -> None:
    patch.setitem(RECIPES, "digits", dataclasses.replace(RECIPES["digits"], epochs=4, width=8, least_accuracy=0.3))


@pytest.fixture
def caches(prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prepared:
    quick(monkeypatch)
    shutil.copytree(prepared.folder, tmp_path / "caches")
    return dataclasses.replace(prepared, folder=tmp_path / "caches")


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def check_same(before: Evaluator, after: Evaluator) -> None:
    assert after.protocol == before.protocol
    assert after.bounds == before.bounds
    assert after.extractor.sha256 == before.extractor.sha256
    assert after.reference.pairs == before.reference.pairs
    np.testing.assert_array_equal(after.reference.rows, before.reference.rows)
    np.testing.assert_array_equal(after.reference.moments.root, before.reference.moments.root)


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize(
    "damage", [name if name == "cut" else pytest.param(name, marks=pytest.mark.slow) for name in DAMAGES]
)
def test_a_damaged_cache_is_made_again(
    caches: Prepared, caplog: pytest.LogCaptureFixture, cache: str, damage: str
) -> None:
    path = only(caches.folder, CACHES[cache])
    whole = path.read_bytes()
    DAMAGES[damage](path, only(caches.others, CACHES[cache]))
    check_same(caches.evaluator, prepared_in(caches.folder, caches.dataset, 60))
    # The cache is whole again, and a line told of it.
    assert path.read_bytes() == whole
    assert not path.is_symlink()
    if damage != "gone":
        assert any(record.levelname == "WARNING" and str(caches.folder) in record.message for record in caplog.records)
    check_same(caches.evaluator, prepared_in(caches.folder, caches.dataset, 60))


def test_a_worker_trains_damaged_weights_again_under_the_protocol_of_its_study(caches: Prepared) -> None:
    path = only(caches.folder, CACHES["weights"])
    whole = path.read_bytes()
    for damage in ("middle byte", "unreadable", "folder"):
        DAMAGES[damage](path, path)
        after = open_evaluator(caches.evaluator.protocol, caches.dataset, folder=caches.folder)
        check_same(caches.evaluator, after)
        assert path.read_bytes() == whole


@pytest.mark.parametrize("obstacle", ["the folder", "a lock", "a link for a lock"])
def test_what_lies_in_the_way_is_renamed(caches: Prepared, obstacle: str) -> None:
    if obstacle == "the folder":
        shutil.rmtree(caches.folder)
        caches.folder.write_text("somebody's")
    else:
        lock = only(caches.folder, "bounds-*.lock")
        lock.unlink()
        if obstacle == "a lock":
            (lock / "somebody's").mkdir(parents=True)
        else:
            lock.symlink_to(lock.name)
        only(caches.folder, "bounds-*.json").unlink()
    check_same(caches.evaluator, prepared_in(caches.folder, caches.dataset, 60))
    where = caches.folder.parent if obstacle == "the folder" else caches.folder
    assert len(list(where.glob("*.aside"))) == 1


def test_whole_caches_are_used_without_writing(caches: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("sweep.files.caches.exclusive_lock", refuse)
    monkeypatch.setattr("sweep.files.atomic.tempfile.mkstemp", refuse)
    check_same(caches.evaluator, prepared_in(caches.folder, caches.dataset, 60))


def test_a_classifier_of_an_earlier_version_is_judged_and_kept(
    caches: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    note, weights = only(caches.folder, "digits-cnn-*.json"), only(caches.folder, "digits-cnn-*.pt")
    old = {"file": weights.name, "sha256": json.loads(note.read_text())["sha256"], "accuracy": 0.99}
    note.write_text(json.dumps(old))
    monkeypatch.setattr("sweep.scoring.classifier_file.train_net", None)  # it is not trained again
    assert find_classifier(caches.dataset, folder=caches.folder) == weights
    kept = read_sealed(note)
    assert kept is not None
    assert kept["balanced_accuracy"] > 0.3


@pytest.mark.parametrize("position", range(0, 60, 7))
def test_a_sealed_file_is_not_believed_when_a_bit_has_changed(tmp_path: Path, position: int) -> None:
    path = tmp_path / "file.json"
    write_sealed(path, {"text": "\ud800é", "numbers": [1.5, 2], "by_class": {2: 0.5, 10: 0.25}})
    assert read_sealed(path) == {"text": "\ud800é", "numbers": [1.5, 2], "by_class": {"2": 0.5, "10": 0.25}}
    content = bytearray(path.read_bytes())
    content[position] ^= 4
    path.write_bytes(content)
    assert read_sealed(path) is None


def _hang(path: Path) -> None:
    find_or_build(path, lambda: None, lambda: (path.with_suffix(".busy").touch(), time.sleep(600)))


@pytest.mark.slow
def test_a_killed_builder_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "cache.json"
    builder = multiprocessing.get_context("spawn").Process(target=_hang, args=(path,))
    builder.start()
    while not path.with_suffix(".busy").exists():
        time.sleep(0.01)
    builder.kill()
    builder.join()

    def build() -> bytes:
        path.write_bytes(b"built")
        return b"built"

    assert find_or_build(path, lambda: read_cache(path), build) == b"built"


def test_no_pickle_in_a_cache_is_opened(caches: Prepared, tmp_path: Path) -> None:
    marker = tmp_path / "opened"

    class Payload:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (marker,))

    for pattern in ("digits-cnn-*.pt", "reference-*.npz"):
        torch.save({"sizes": Payload()}, only(caches.folder, pattern))
    check_same(caches.evaluator, prepared_in(caches.folder, caches.dataset, 60))
    assert not marker.exists()
