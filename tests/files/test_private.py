"""A folder of files that run as code: this user's alone, and nobody can exchange it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from sweep.errors import UsageError
from sweep.files.private import make_private_folder, require_private


def test_a_new_folder_is_this_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "slurm/study"
    require_private(folder)
    assert not folder.parent.exists()
    make_private_folder(folder)
    make_private_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_only_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir(mode=0o755)
    make_private_folder(tmp_path / "study")
    assert (tmp_path / "study").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o770, 0o757, 0o1777])
def test_a_folder_that_others_may_write_is_refused_and_not_touched(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(UsageError, match="no safe place") as refused:
        make_private_folder(folder)
    assert "may be written by others" in refused.value.why
    assert folder.stat().st_mode & 0o7777 == mode


@pytest.fixture
def reached() -> Iterator[Path]:
    """A folder that every user of this machine reaches."""
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(
    ("mode", "closed_above", "is_safe"),
    [
        (0o775, False, False),
        (0o777, False, False),
        (0o1777, False, True),
        (0o755, False, True),
        (0o777, True, True),
    ],
)
def test_a_folder_is_as_safe_as_those_above_it(reached: Path, mode: int, closed_above: bool, is_safe: bool) -> None:
    shared = reached / "shared"
    shared.mkdir()
    shared.chmod(mode)
    reached.chmod(0o700 if closed_above else 0o755)
    if is_safe:
        make_private_folder(shared / "study")
        return
    with pytest.raises(UsageError, match="no safe place"):
        make_private_folder(shared / "study")
    assert not (shared / "study").exists()


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir(mode=0o700)
    (tmp_path / "study").symlink_to(tmp_path / "own")
    with pytest.raises(UsageError, match="no safe place"):
        make_private_folder(tmp_path / "study")
