from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from sweep.errors import CheckpointError, UnreadableCheckpoint
from sweep.training.checkpoint import load_state, load_weights, read, save, save_weights
from sweep.training.ema import ConstantEMA

STATE = {"step": 3, "net": {"w": torch.arange(1000.0)}, "tail": [(1.0, 2.0)], "decays": {0.9: [torch.ones(2)]}}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    ref = save(STATE, tmp_path / "run", step=3, attempt="2")
    assert ref.path.name == "0000000003.2.pt"
    assert ref.bytes == ref.path.stat().st_size
    assert ref.path.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path / "run") == [ref.path.name]
    state = load_state(ref.path, ref.sha256)
    assert torch.equal(state["net"]["w"], STATE["net"]["w"])
    assert (state["step"], state["tail"], list(state["decays"])) == (3, [(1.0, 2.0)], [0.9])


def test_a_checkpoint_is_never_written_over_and_equal_bytes_are_taken(tmp_path: Path) -> None:
    ref = save(STATE, tmp_path, step=3, attempt="2")
    written = ref.path.stat().st_mtime_ns
    assert save(STATE, tmp_path, step=3, attempt="2") == ref
    with pytest.raises(CheckpointError, match="is there already"):
        save({"step": 3}, tmp_path, step=3, attempt="2")
    assert ref.path.stat().st_mtime_ns == written
    load_state(ref.path, ref.sha256)
    save({"step": 3}, tmp_path, step=3, attempt="3")
    assert len(names(tmp_path)) == 2


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def empty(_: bytes) -> bytes:
    return b""


def flipped(content: bytes) -> bytes:
    # In the middle of the weights, where torch itself notices nothing.
    where = content.index(torch.arange(400.0, 410.0).numpy().tobytes())
    return content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :]


@pytest.mark.parametrize("damage", [truncated, empty, flipped])
def test_damage_is_found_and_the_one_before_can_be_read(tmp_path: Path, damage: object) -> None:
    older, newer = save(STATE, tmp_path, step=3, attempt="2"), save(STATE, tmp_path, step=4, attempt="2")
    newer.path.write_bytes(damage(newer.path.read_bytes()))
    with pytest.raises(UnreadableCheckpoint, match="damaged"):
        load_state(newer.path, newer.sha256)
    assert read(older).state["step"] == STATE["step"]
    older.path.unlink()
    with pytest.raises(UnreadableCheckpoint, match="cannot read"):
        load_state(older.path, older.sha256)


def test_torch_alone_would_take_a_flipped_byte(tmp_path: Path) -> None:
    # Why the hash is there.
    ref = save(STATE, tmp_path, step=3, attempt="2")
    ref.path.write_bytes(flipped(ref.path.read_bytes()))
    assert not torch.equal(torch.load(ref.path, weights_only=True)["net"]["w"], STATE["net"]["w"])


class Evil:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return (os.mkdir, (str(self.canary),))


def test_a_pickle_with_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    pickle.loads(pickle.dumps(Evil(canary)))
    canary.rmdir()  # the payload works where it is run
    ref = save({"net": Evil(canary)}, tmp_path, step=1, attempt="1")
    with pytest.raises(CheckpointError, match="refused"):
        load_state(ref.path, ref.sha256)
    assert not canary.exists()


def test_products_are_raw_and_averaged_weights(tmp_path: Path) -> None:
    net = nn.Linear(2, 2)
    averages = ConstantEMA(net, (0.9, 0.99), (("ramp", 0.99),))
    averages.update()
    with torch.no_grad():
        net.weight.add_(1.0)
    averages.update()
    ref = save_weights(averages, tmp_path, step=2, attempt="1")
    for decay in (0.0, 0.9, 0.99):
        weights = load_weights(ref.path, ref.sha256, decay=decay)
        assert all(torch.equal(weights[name], value) for name, value in averages.weights(decay).items())
    assert torch.equal(load_weights(ref.path, ref.sha256, decay=0.0)["weight"], net.weight)
    ramped = load_weights(ref.path, ref.sha256, decay=0.99, start="ramp")
    assert torch.equal(ramped["weight"], averages.weights(0.99, "ramp")["weight"])
    assert not torch.equal(ramped["weight"], load_weights(ref.path, ref.sha256, decay=0.99)["weight"])
    assert torch.equal(load_weights(ref.path, ref.sha256, decay=0.0, start="ramp")["weight"], net.weight)
    with pytest.raises(CheckpointError, match=r"0\.5.*\n.*0, 0\.9, 0\.99, 0\.99 \(ramp\)"):
        load_weights(ref.path, ref.sha256, decay=0.5)
    with pytest.raises(CheckpointError, match=r"0\.9 \(initial\)"):
        load_weights(ref.path, ref.sha256, decay=0.9, start="initial")


SAVE_TWICE = """
import pathlib, resource, sys
import torch
from sweep.errors import SweepError
from sweep.training.checkpoint import save

folder, limited = pathlib.Path(sys.argv[1]), sys.argv[2] == "file size"
print(save({"w": torch.zeros(1000)}, folder, step=1, attempt="1").sha256)
if limited:
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    save({"w": torch.zeros(100_000)}, folder, step=2, attempt="1")
except SweepError as error:
    print(error.what)
"""


def can_mount() -> bool:
    trial = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]
    try:
        return subprocess.run(trial, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.faults
@pytest.mark.parametrize("limit", ["file size", *(["disk"] if can_mount() else [])])
def test_no_room_leaves_the_older_one_and_nothing_half_written(tmp_path: Path, limit: str) -> None:
    save_twice = [sys.executable, "-c", SAVE_TWICE, str(tmp_path), limit]
    if limit == "disk":
        # A disk of 64 kB that exists for these processes only.
        script = 'mount -t tmpfs -o size=64k tmpfs "$0" && "$@" && ls "$0" && cp "$0"/*.pt "$KEEP"'
        command = ["unshare", "--mount", "sh", "-c", script, str(tmp_path), *save_twice]
        kept = tmp_path.parent / f"{tmp_path.name}.kept"
        kept.mkdir()
    else:
        command, kept = save_twice, tmp_path
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"KEEP": str(kept)})
    assert run.returncode == 0, run.stderr
    sha256, message = run.stdout.splitlines()[:2]
    assert message == "the checkpoint of step 2 could not be written: no room"
    assert names(kept) == ["0000000001.1.pt"]
    if limit == "disk":
        assert run.stdout.splitlines()[2:] == ["0000000001.1.pt"]
    load_state(kept / "0000000001.1.pt", sha256)
