"""AdaBelief (Zhuang et al. 2020), a few kernels for all parameters together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


class AdaBelief(Optimizer):
    """Adam that divides by the root of the gradient's deviation from its mean instead of its square.

    As the authors' code 0.2: eps enters the variance at every step, so that it accumulates to eps / (1 - beta_2), and
    the denominator once more. Weight decay is decoupled and scaled by lr. Without their rectification, so that a
    comparison with RAdam has it on one side only.

    Args:
        params: Parameters on one device; their gradients must be dense.
        lr: Scalar tensor on that device; change it in place.
        betas: Decays of mean and variance.
        eps: In units of a squared gradient; the authors use 1e-16.
        weight_decay: Share of the weights taken off a step is lr * weight_decay.
    """

    def __init__(
        self,
        params: list[torch.nn.Parameter],
        lr: Tensor,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-16,
        weight_decay: float = 0.0,
    ) -> None:
        # float64: 1 - beta_2^n loses five digits in float32 at the first steps.
        steps = torch.zeros((), dtype=torch.float64, device=lr.device)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "steps": steps})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override] # torch's may return a loss
        """One update of every parameter that has a gradient; closures are not supported."""
        assert closure is None
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            for p in params:
                if not self.state[p]:
                    self.state[p] = {"exp_avg": torch.zeros_like(p), "exp_avg_var": torch.zeros_like(p)}
            if params:
                self._update(params, group)

    # Zhuang et al. 2020, algorithm 2.
    def _update(self, params: list[Tensor], group: dict[str, Any]) -> None:
        g = [p.grad for p in params if p.grad is not None]
        m = [self.state[p]["exp_avg"] for p in params]
        s = [self.state[p]["exp_avg_var"] for p in params]
        (beta_1, beta_2), eps, lr, steps = group["betas"], group["eps"], group["lr"], group["steps"]
        steps += 1

        torch._foreach_lerp_(m, g, 1 - beta_1)
        belief = torch._foreach_sub(g, m)
        torch._foreach_mul_(s, beta_2)
        torch._foreach_addcmul_(s, belief, belief, value=1 - beta_2)
        torch._foreach_add_(s, eps)

        denominator = torch._foreach_sqrt(s)
        torch._foreach_div_(denominator, (1 - beta_2**steps).sqrt().float())
        torch._foreach_add_(denominator, eps)
        update = torch._foreach_div(m, denominator)
        torch._foreach_mul_(update, (lr / (1 - beta_1**steps)).float())

        if group["weight_decay"]:
            torch._foreach_mul_(params, 1 - lr * group["weight_decay"])
        torch._foreach_sub_(params, update)
