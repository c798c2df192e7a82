"""Anchors, aliases and merge keys of YAML: a file means what it would mean written out, and is no larger than that."""

from __future__ import annotations

import time

import pytest

from sweep.config.yaml_file import parse, read_yaml
from sweep.errors import StudyFileError
from sweep.limits import MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES

WRITTEN_OUT = """\
slow: {lr: 1e-4, batch: 64, net: {channels: 8}}
fast: {lr: 1e-3, batch: 64, net: {channels: 8}}
both: [{lr: 1e-4, batch: 64, net: {channels: 8}}, 3]
"""
WITH_ANCHORS = """\
slow: &slow {lr: 1e-4, batch: 64, net: &net {channels: 8}}
fast:
  lr: 1e-3
  <<: *slow
  net: *net
both: [*slow, 3]
"""


def test_a_file_with_anchors_means_what_it_means_written_out():
    assert parse(WITH_ANCHORS, "a")[0] == parse(WRITTEN_OUT, "a")[0]


def test_what_is_merged_has_the_line_where_it_is_written():
    _, lines = parse(WITH_ANCHORS, "a")
    assert lines["fast", "lr"] == 3
    assert lines["fast", "batch"] == 1
    assert lines["both", 0, "net", "channels"] == 1


def test_own_keys_win_then_those_of_the_mapping_that_is_named_first():
    """The rule of https://yaml.org/type/merge.html, and what PyYAML does with the same text."""
    import yaml

    text = "a: &a {x: 1, y: 1}\nb: &b {<<: *a, x: 2, z: 2}\nc: {<<: [*b, *a], z: 3}\n"
    assert parse(text, "a")[0] == yaml.safe_load(text)
    assert parse(text, "a")[0]["c"] == {"x": 2, "y": 1, "z": 3}


def test_a_quoted_merge_key_is_a_key():
    assert parse('a: {"<<": 1}\n', "a")[0] == {"a": {"<<": 1}}


def test_aliases_count_like_what_they_stand_for():
    """1 mapping, 2 keys, 2 lists and the items: exactly the bound is taken, one more is not."""
    items = (MAX_NODES - 5) // 2
    fits = f"a: &a [{','.join('1' * items)}]\nb: *a\n"
    assert len(parse(fits, "a")[0]["b"]) == items
    with pytest.raises(StudyFileError, match=f"a, line 3: more than {MAX_NODES:,} values"):
        parse(fits + "c: *a\n", "a")


def test_aliases_nest_no_deeper_than_a_file():
    half = MAX_DEPTH // 2
    anchored = f"a: &a {'[' * half}{']' * half}\n"
    parse(f"{anchored}b: {'[' * half}*a{']' * half}\n", "a")
    with pytest.raises(StudyFileError, match="a, line 2: nested more than"):
        parse(f"{anchored}b: [{'[' * half}*a{']' * half}]\n", "a")


def test_aliases_stand_for_no_more_text_than_a_file_has():
    text = f"a: &a {'x' * 9_000}\nb: [{','.join(['*a'] * 100)}]\n"
    with pytest.raises(StudyFileError, match=f"a, line 2: aliases that stand for more than {MAX_FILE_BYTES:,}"):
        parse(text, "a")


def test_a_billion_laughs_are_refused_before_they_are_counted(tmp_path):
    laughs = "\n".join(f"l{n}: &l{n} [{','.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 30))
    (tmp_path / "study.yaml").write_text(f"l0: &l0 ha\n{laughs}\n")
    began = time.process_time()
    with pytest.raises(StudyFileError, match=r"study\.yaml, line \d+: more than"):
        read_yaml(tmp_path / "study.yaml")
    assert time.process_time() - began < 1.0
