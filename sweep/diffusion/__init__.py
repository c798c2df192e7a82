"""The equations of diffusion: schedules, targets, losses, weightings, samplers.

One equation is one function, with its source in the docstring. Tables are numpy in float64, so that `plan` and the
report use them without torch. Knows no config, no data and no net. Start with `process.py`. May
import torch, numpy, `sweep.errors` and `sweep.limits`.
"""
