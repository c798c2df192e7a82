"""An optimizer and a schedule of the learning rate of our own: Lion (Chen et al. 2023), and a linear cooldown."""

import torch

from sweep.plugins import lr_schedule, optimizer


class Lion(torch.optim.Optimizer):
    """theta -= lr (sign(b1 m + (1 - b1) g) + weight_decay theta), m = b2 m + (1 - b2) g."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure=None):
        """One step, of the gradients that the parameters have."""
        for group in self.param_groups:
            b1, b2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                direction = (b1 * m + (1 - b1) * p.grad).sign()
                p.sub_(group["lr"] * (direction + group["weight_decay"] * p))
                m.lerp_(p.grad, 1 - b2)


@optimizer("lion")
def lion(params, lr, betas, weight_decay):
    """Lion over all parameters; it wants a third to a tenth of Adam's learning rate."""
    return Lion(params, lr, betas, weight_decay)


@lr_schedule("cooldown")
def cooldown(progress: float, *, share: float = 0.2) -> float:
    """1, then linear to 0 over the last share of the run."""
    return min(1.0, (1.0 - progress) / share)
