"""The code of a plugin runs once a person trusts it; one that breaks the contract is refused and leaves nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import sweep
from sweep.api import plugins
from sweep.errors import ExitCode, UsageError

EXAMPLE = Path(__file__).parents[2] / "studies/plugins"

SOMETHING = "int.from_bytes(__import__('os').urandom(2))"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped example in a folder, for a user who trusts nothing yet."""
    for name in ("own-net.yaml", "tiny_conv.py"):
        shutil.copy(EXAMPLE / name, tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "own-net.yaml"


def edit(study: Path, before: str, after: str) -> None:
    file = study.with_name("tiny_conv.py")
    assert before in file.read_text()
    file.write_text(file.read_text().replace(before, after))


def plan(study: Path, *, trust: bool) -> None:
    sweep.plan(study, device="cpu", workers=1, measure=False, trust=trust)


@pytest.mark.slow
def test_trust_is_asked_for_once_a_version(study, capfd):
    edit(study, "import torch\n", "import torch\nprint('it ran')\n")
    with pytest.raises(UsageError, match=r"not trusted: tiny_conv.py \([0-9a-f]{16}\)") as refused:
        plan(study, trust=False)
    assert "--trust" in refused.value.next
    assert "it ran" not in capfd.readouterr().out
    plan(study, trust=True)
    assert "it ran" in capfd.readouterr().out
    plan(study, trust=False)
    edit(study, "print('it ran')", "print('it ran again')  # another version")
    with pytest.raises(UsageError, match="not trusted"):
        plan(study, trust=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("import torch\n", "import torch\nimport nowhere\n", "cannot be imported\nModuleNotFoundError: .*nowhere"),
        ("import torch\n", "import torch\nraise SystemExit\n", "ends the program when it is imported"),
        ("import torch\n", "import torch\nwhile True:\n    pass\n", "did not finish within 8 s"),
        ("return self.last(h)", "return self.last(h)[:, :, 1:]", r"forward returned \(2, 1, 7, 8\); .*\(2, 1, 8, 8\)"),
        ("return self.last(h)", "return self.last(h) / 0", "numbers that are not finite"),
        ("return self.last(h)", "return self.last(h).detach()", "does not require grad"),
        (
            "return self.last(h)",
            "return self.last(h) + torch.rand(1)",
            "(?s)other numbers for the same images.*equal settings and seeds",
        ),
        ("def forward(self, x: torch.Tensor, i: torch.Tensor)", "def forward(self, x: torch.Tensor)", "TypeError"),
        ("self.layers = ", f"self.first.bias.data[0] = {SOMETHING}; self.layers = ", "different weights"),
        (
            "self.layers = ",
            "type(self).get_extra_state = lambda self: lambda: 0; self.layers = ",
            "(?s)cannot be pickled.*is resumed",
        ),
        ("self.layers = ", "self.norm = nn.BatchNorm2d(width); self.layers = ", "norm.* is kept with the weights"),
    ],
)
def test_a_bad_plugin_is_refused_and_nothing_is_written(study, monkeypatch, before, after, message):
    monkeypatch.setattr(plugins, "CHECK_SECONDS", 8.0)
    edit(study, before, after)
    there = sorted(path.name for path in study.parent.iterdir())
    with pytest.raises(UsageError, match=message) as refused:
        plan(study, trust=True)
    assert refused.value.exit_code == ExitCode.USAGE
    assert sorted(path.name for path in study.parent.iterdir()) == there
