from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch
from sklearn.datasets import load_digits

from sweep.data.facts import DATASET_FACTS
from sweep.data.sources import DATASETS, data_root, load_dataset
from sweep.errors import InfeasibleConfig, UnknownName


def test_digits_are_scikit_learns_scaled_to_bytes() -> None:
    data = load_dataset("digits")
    bunch = load_digits()
    scaled = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    assert (scaled.min(), scaled.max()) == (0, 255)
    expected = sorted(zip(scaled.reshape(1797, 64).tolist(), bunch.target.tolist(), strict=True))
    splits = (
        (data.train, data.train_labels),
        (data.validation, data.validation_labels),
        (data.test, data.test_labels),
    )
    found = []
    for images, labels in splits:
        assert images.dtype == torch.uint8
        assert images.shape[1:] == (1, 8, 8)
        assert labels is not None
        assert labels.dtype == torch.int64
        found += zip(images.reshape(-1, 64).tolist(), labels.tolist(), strict=True)
    assert sorted(found) == expected  # every image once, with its label


def test_digits_splits_are_stratified_and_in_file_order() -> None:
    data = load_dataset("digits")
    shares = torch.bincount(torch.from_numpy(load_digits().target)) / 1797
    for labels, count in ((data.train_labels, 1297), (data.validation_labels, 200), (data.test_labels, 300)):
        assert labels is not None
        assert len(labels) == count
        assert ((torch.bincount(labels) - shares * count).abs() <= 1.5).all()
    first = np.round(load_digits().images[0] * (255 / 16)).astype(np.uint8)
    assert any(np.array_equal(first, split[0, 0].numpy()) for split in (data.train, data.validation, data.test))


def test_digits_never_change_under_a_store() -> None:
    """Pinned when it was first published: this hash is in the keys of stored runs."""
    assert load_dataset("digits").content_sha256 == "9fb16a679e0671b699c4c2232e710b7e126a4902035ab282a29b8ac72e004900"


def test_digits_load_in_under_a_second_and_without_scikit_learn() -> None:
    code = (
        "import sys, time\n"
        "from sweep.data.sources import load_dataset\n"
        "start = time.process_time()\n"
        "load_dataset('digits').content_sha256\n"
        "print(time.process_time() - start, 'sklearn' in sys.modules, 'torchvision' in sys.modules)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert float(out[0]) < 1
    assert out[1:] == ["False", "False"]


def test_digits_need_no_files_of_ours(tmp_path: Path) -> None:
    load_dataset("digits", root=tmp_path / "absent", download=False)
    assert not (tmp_path / "absent").exists()


def test_loading_takes_no_part_in_the_global_random_stream() -> None:
    before = torch.random.get_rng_state()
    load_dataset("digits")
    assert torch.equal(before, torch.random.get_rng_state())


def test_root_is_the_environments_or_the_users_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SWEEP_DATA", str(tmp_path))
    assert data_root() == tmp_path
    monkeypatch.setenv("SWEEP_DATA", "~/data")
    assert data_root() == Path.home() / "data"
    monkeypatch.setenv("SWEEP_DATA", "")
    assert data_root() == Path(platformdirs.user_cache_dir("ddpm-sweep"))
    monkeypatch.delenv("SWEEP_DATA")
    assert data_root() == Path(platformdirs.user_cache_dir("ddpm-sweep"))


def test_published_sets_take_neither_path_nor_another_size(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleConfig, match="no size but 28"):
        load_dataset("fashion_mnist", size=32)
    with pytest.raises(InfeasibleConfig, match="no path"):
        load_dataset("digits", path=tmp_path)
    assert load_dataset("digits", size=8).size == 8


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownName) as error:
        load_dataset("imagenet")
    assert "cifar10, digits, fashion_mnist, image_folder, mnist" in error.value.why


def test_facts_hold_for_every_published_set() -> None:
    assert set(DATASET_FACTS) == set(DATASETS) - {"image_folder"}
    data, facts = load_dataset("digits"), DATASET_FACTS["digits"]
    assert (data.channels, data.size) == (facts.channels, facts.size)
    assert (len(data.train), len(data.validation), len(data.test)) == (facts.train, facts.validation, facts.test)
    assert data.train_labels is not None
    assert len(data.train_labels.unique()) == facts.classes


@pytest.mark.parametrize(
    ("name", "channels", "size", "official_train", "official_test"),
    # LeCun et al. 1998; Xiao et al. 2017, table 1; Krizhevsky 2009, section 3.1.
    [("mnist", 1, 28, 60_000, 10_000), ("fashion_mnist", 1, 28, 60_000, 10_000), ("cifar10", 3, 32, 50_000, 10_000)],
)
def test_facts_are_those_of_the_papers(
    name: str, channels: int, size: int, official_train: int, official_test: int
) -> None:
    facts = DATASET_FACTS[name]
    assert (facts.channels, facts.size, facts.test, facts.classes) == (channels, size, official_test, 10)
    assert facts.train + facts.validation == official_train


def test_facts_load_without_torch() -> None:
    code = "import sys, sweep.data.facts; print('torch' in sys.modules, 'numpy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "False"]
