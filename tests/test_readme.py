"""What the README says works as it is written there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sweep.config.study_file import load_study
from sweep.planning.plan import study_plan
from tests.cli.test_app import VERBS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CODE = re.findall(r"(?m)^    (.*)$", README)
COMMANDS = [line.partition("#")[0].strip() for line in CODE if line.startswith("sweep ")]
INLINE = re.findall(r"`(sweep [a-z][^`]*)`", README)


def test_its_study_is_a_study_and_that_of_the_demo(tmp_path):
    block = README.split("## The study file", 1)[1].split("A factor has a role", 1)[0]
    (tmp_path / "study.yaml").write_text("\n".join(line[4:] for line in block.splitlines() if line.startswith("    ")))
    written = load_study(tmp_path / "study.yaml")
    demo = load_study(ROOT / "studies" / "digits.yaml")
    assert {arm.name for arm in study_plan(written).arms} <= {arm.name for arm in study_plan(demo).arms}
    assert written.name == demo.name


@pytest.mark.parametrize("command", [*COMMANDS, *INLINE])
def test_its_commands_exist(command):
    words = shlex.split(command.partition(">")[0])[1:]
    verb = next((v for v in (" ".join(words[:2]), words[0]) if v in VERBS), None)
    assert verb is not None or words[0] in ("COMMAND",) or words[0] in {v.split()[0] for v in VERBS}
    if verb is not None:
        options = {name for option in VERBS[verb].params for name in (*option.opts, *option.secondary_opts)}
        assert all(word.partition("=")[0] in options | {"--help"} for word in words if word.startswith("-"))


def test_its_files_and_targets_exist():
    for path in set(re.findall(r"(?:studies|reports|sweep)/[\w./-]+\.(?:yaml|png|py)", README)):
        assert (ROOT / path).is_file()
    targets = set(re.findall(r"(?m)(?:^    |`)make (\w+)", README))
    rules = (ROOT / "Makefile").read_text()
    assert all(re.search(rf"(?m)^{target}:", rules) for target in targets)
