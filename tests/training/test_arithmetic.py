from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from sweep.config.part_names import Precision
from sweep.data.dataset import Dataset
from sweep.nets.arithmetic import ARITHMETIC, float32_products, float32_products_in_use
from sweep.scoring.predictor import predictor
from sweep.training.interfaces import RunContext
from sweep.training.step_state import StepState
from sweep.training.trainer import make_step
from sweep.worker.machine import environment, set_up
from tests.helpers.tiny_training import TINY_UNET, tiny

IEEE = {"convolution": "ieee", "matmul": "ieee"}
TF32 = {"convolution": "tf32", "matmul": "tf32"}
PRODUCTS = {"aten.convolution.default", "aten.convolution_backward.default", "aten.addmm.default", "aten.mm.default"}


@pytest.fixture(autouse=True)
def as_torch_starts() -> Iterator[None]:
    """Products as a process of torch computes them at its start, and as before after the test."""
    with float32_products("tf32"):
        torch.backends.cuda.matmul.fp32_precision = "none"
        yield


class Watched(TorchDispatchMode):
    """Notes how float32 products would be computed on a GPU whenever one is, and the types of its factors."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str], torch.dtype]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if str(func) in PRODUCTS:
            self.seen.append((str(func), float32_products_in_use(), args[-1 if "mm" in str(func) else 1].dtype))
        return func(*args, **(kwargs or {}))


def test_every_precision_has_an_arithmetic() -> None:
    assert set(ARITHMETIC) == set(get_args(Precision))


# cuDNN's own default is TF32 in convolutions: `fp32` was that on a GPU, beside a reference in real fp32.
@pytest.mark.parametrize(("precision", "expected"), [("fp32", IEEE), ("tf32", TF32), ("bf16", IEEE)])
def test_both_passes_of_a_training_step_use_the_products_of_its_precision(
    digits: Dataset, tmp_path: Any, precision: str, expected: dict[str, str]
) -> None:
    config = tiny(net=TINY_UNET, precision=precision, perceptual_weight=0.1)
    state = StepState(config, digits, RunContext(folder=tmp_path, attempt="1"), 7)
    before = float32_products_in_use()
    with Watched() as watched:
        make_step(state, 1)
    kinds = {name for name, _, _ in watched.seen}
    assert {"aten.convolution.default", "aten.convolution_backward.default", "aten.addmm.default"} <= kinds
    assert all(products == expected for _, products, _ in watched.seen)
    assert float32_products_in_use() == before


@pytest.mark.parametrize(
    ("precision", "expected", "dtype"),
    [("fp32", IEEE, torch.float32), ("tf32", TF32, torch.float32), ("bf16", IEEE, torch.bfloat16)],
)
def test_sampling_uses_the_products_of_its_precision(
    precision: Precision, expected: dict[str, str], dtype: torch.dtype
) -> None:
    net = _TwoArguments()
    with torch.no_grad(), Watched() as watched:
        predictor(net, precision)(torch.zeros(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64))
    assert watched.seen == [("aten.convolution.default", expected, dtype)]


def test_tf32_is_a_run_of_its_own_and_on_a_cpu_computes_what_fp32_does(digits: Dataset, tmp_path: Any) -> None:
    losses = []
    for precision in ("fp32", "tf32"):
        context = RunContext(folder=tmp_path / precision, attempt="1")
        state = StepState(tiny(precision=precision), digits, context, 7)
        make_step(state, 1)
        losses.append(state.loss.item())
    assert losses[0] == losses[1]


def test_a_trial_process_computes_real_float32_and_records_it() -> None:
    device = set_up("cpu", torch.get_num_threads())
    assert environment(device)["float32_products"] == IEEE


class _TwoArguments(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(1, 1, 1)

    def forward(self, x: torch.Tensor, i: torch.Tensor) -> torch.Tensor:
        return self.layer(x)
