"""The tests: reading, loading, archiving, and the contract of each part."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweep.config.keys import eval_key, train_key
from sweep.config.own_part import own_parts_in
from sweep.config.run import Protocol, Setting
from sweep.errors import SweepError
from sweep.planning.feasibility import check_setting
from sweep.plugins.loading import load_source
from sweep.plugins.signatures import parts_in
from sweep.plugins.source import read_source, source_from
from sweep.testing.cases import Case
from sweep.worker.broken_part import Broken
from sweep.worker.part_contracts import CONTRACTS

PROTOCOL = Protocol(extractor="any", extractor_sha256="0" * 64, reference_sha256="0" * 64, n=2)


def test_its_parts_are_known_from_its_text(file: Path) -> None:
    """Reading a study runs nothing, so that names and settings must follow from the text."""
    try:
        parts_in(read_source(file), file)
    except SweepError as error:
        pytest.fail(str(error), pytrace=False)


def test_it_is_loaded_from_its_archive(file: Path) -> None:
    """Workers on other machines load what a launch archived, and refuse another version."""
    source = read_source(file)
    archived = source_from(source.as_text(), source.sha256)
    assert dict(archived.modules) == dict(source.modules)
    load_source(archived)


def test_it_keeps_its_contract(case: Case) -> None:
    """Shapes, numbers that are finite, and the same numbers at each call; of a net also gradients and weights."""
    load_source(case.source)
    setting = case.setting()
    try:
        for kind, part in [*own_parts_in(setting), *case.extractor()]:
            CONTRACTS[kind](part, setting)
        check_setting(setting, name=str(case))
    except Broken as error:
        pytest.fail(error.explanation, pytrace=False)
    except SweepError as error:
        pytest.fail(str(error), pytrace=False)


def test_it_is_stored_and_read_back(case: Case) -> None:
    """A run is found again by a key of what the database holds, so that a part survives its JSON."""
    setting = case.setting()
    stored = Setting.model_validate(json.loads(json.dumps(setting.model_dump(mode="json"))))
    train, stored_train = (each.train_config(seed=0, ema_decays=()) for each in (setting, stored))
    assert train_key(stored_train) == train_key(train)
    assert eval_key(stored.eval_config(), PROTOCOL) == eval_key(setting.eval_config(), PROTOCOL)
