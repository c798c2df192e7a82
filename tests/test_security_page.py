"""The page about security names tests that are there, and the limits that hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sweep import limits
from tests.faults.test_documented import names_in

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "sweep" / "docs" / "security.md").read_text()
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)))


def promises() -> list[str]:
    """Each item below a `Promised` up to the next paragraph."""
    lists = re.findall(r"^Promised.*?:\n\n(.*?)\n\n", PAGE, re.MULTILINE | re.DOTALL)
    return [promise for one in lists for promise in re.split(r"(?m)^- ", one)[1:]]


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_test_that_is_named_is_there(file, name):
    assert name in names_in(TESTS / file)


def test_every_promise_names_a_test():
    assert len(promises()) >= 25
    assert [promise for promise in promises() if ".py::test_" not in promise] == []


def test_limits_are_those_of_the_code():
    written = {
        name: int(number.replace(",", ""))
        for number, name in re.findall(r"^\|[^|]+\| ([\d,]+) \| `(MAX_\w+)` \|$", PAGE, re.MULTILINE)
    }
    assert written == {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}
