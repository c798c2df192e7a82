"""First contact with a GPU runs to its end without one, and with parts that fail, hang or find no time."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
import torch

from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks.cases import GPU
from tests.benchmarks.diffusers_peer import GPU_WORKERS, Script
from tests.first_contact.__main__ import main, run, summary
from tests.first_contact.parts import TESTS, Part, parts
from tests.helpers.json_lines import append_line, read_lines

HERE: dict[str, object] = {"device": "a GPU", "source": {"commit": "1"}}


def part(name: str, script: str, seconds: float = 20.0) -> Part:
    return Part(name=name, seconds=seconds, command=(sys.executable, "-c", script))


def states(results: Path) -> list[tuple[str, str]]:
    return [(line["part"], line["state"]) for line in read_lines(results)]


def test_a_part_that_fails_or_hangs_is_a_row_and_the_others_are_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results, log = tmp_path / "results.jsonl", tmp_path / "log.txt"
    chosen = [
        part("breaks", "raise RuntimeError('two devices')"),
        part("hangs", "import time; time.sleep(60)", seconds=0.5),
        Part(name="graphs", seconds=9.0, command=()),
        part("works", "print('well')"),
    ]
    started = time.monotonic()
    ends = run(chosen, results, log, where=HERE, seconds=28.0)
    assert time.monotonic() - started < 28.0
    assert [ends[one.name]["state"] for one in chosen] == ["failed", "failed", "needs a GPU", "done"]
    assert ends["breaks"]["note"] == "exit status 1: RuntimeError: two devices"
    assert "longer than" in str(ends["hangs"]["note"])
    assert "well" in log.read_text()
    assert summary(chosen, ends, results) == 1
    assert "2 of 4" not in capsys.readouterr().out


def test_a_second_call_continues_with_what_is_missing_and_tries_failures_last(tmp_path: Path) -> None:
    results, log, mark = tmp_path / "results.jsonl", tmp_path / "log.txt", tmp_path / "mended"
    breaks = part("breaks", f"from pathlib import Path; assert Path({str(mark)!r}).exists()", seconds=5.0)
    long = part("long", "", seconds=100.0)
    chosen = [part("first", "", seconds=5.0), breaks, long, part("short", "", seconds=5.0)]
    ends = run(chosen, results, log, where=HERE, seconds=30.0)
    assert [ends[one.name]["state"] for one in chosen] == ["done", "failed", "not reached", "done"]
    mark.touch()
    before = len(read_lines(results))
    ends = run(chosen, results, log, where=HERE, seconds=200.0)
    assert states(results)[before:] == [("long", "done"), ("breaks", "done")]
    assert summary(chosen, ends, results) == 0
    # Nothing is left; on other source code, or another device, nothing is done.
    run(chosen, results, log, where=HERE, seconds=200.0)
    assert len(read_lines(results)) == before + 2
    run(chosen, results, log, where=HERE | {"device": "another"}, seconds=200.0)
    assert len(read_lines(results)) == before + 2 + len(chosen)


def test_what_fits_is_run_in_under_eight_minutes_and_named_in_order_of_value(tmp_path: Path) -> None:
    chosen = parts(tmp_path / "r", tmp_path, has_gpu=True, cores=16)
    names = [one.name for one in chosen]
    assert names[:8] == [
        TESTS,
        "training alone",
        "training beside peers",
        "sampling",
        "scoring",
        "sweep",
        "packing",
        "study",
    ]
    assert sum(one.seconds for one in chosen[:8]) <= 480
    assert all(one.command for one in chosen)
    for one in chosen:
        if "tests.benchmarks" in one.command:
            options = benchmarks._parsed(list(one.command[3:]))
            assert options.part == one.name
            assert options.device == "gpu"
            assert {case.name for case in GPU} >= set(options.case or ())


def test_a_line_that_a_killed_process_left_unfinished_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    append_line(path, {"part": "a"})
    with path.open("a") as file:
        file.write('{"part": "b", "sta')
    assert read_lines(path) == [{"part": "a"}]


def test_the_peer_has_as_many_images_as_cifar_10_and_keeps_the_workers_of_its_loader(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Workers that start anew after 32 batches, as of 4096 images, take as long as a block of steps."""
    made: list[dict[str, object]] = []

    def loader(images: object, **settings: object) -> None:
        made.append({"images": len(images), **settings})  # type: ignore[arg-type] # any set of images
        raise InterruptedError

    monkeypatch.setattr("tests.benchmarks.diffusers_peer.DataLoader", loader)
    monkeypatch.setattr("tests.benchmarks.diffusers_peer.Accelerator", lambda **_: None)
    case = GPU[1]
    with pytest.raises(InterruptedError):
        Script(case, torch.device("meta"))
    assert (made[0]["images"], made[0]["num_workers"], made[0]["persistent_workers"]) == (49_488, GPU_WORKERS, True)


@pytest.mark.slow  # every part in its smallest form: two minutes
@pytest.mark.timeout(1500)
def test_without_a_gpu_it_runs_to_its_end_and_says_what_needs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit) as ended:
        main(["--out", str(tmp_path), "--seconds", "1400"])
    lines = read_lines(tmp_path / "results.jsonl")
    ends = {line["part"]: line for line in lines if "where" in line}
    assert ended.value.code == 0, ends
    without = {name for name, end in ends.items() if end["state"] == "needs a GPU"}
    assert without == {TESTS, "memory", "unet_28"}
    assert {end["state"] for name, end in ends.items() if name not in without} == {"done"}
    measured = {line["part"] for line in lines if "row" in line}
    assert measured == ends.keys() - without
    printed = capsys.readouterr().out
    assert "7 of 10 parts done" in printed
    assert all(name in printed for name in ends)
