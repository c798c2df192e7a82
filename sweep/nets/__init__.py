"""Noise-prediction networks: plain torch modules `net(x, i)` that know no schedule, no loss and no config.

Start with `registry.py`, which has one row for each kind of net and loads no torch; `build.py` makes a net of a row.
The layers of the U-Net are in `layers.py`, and `cuda_graph.py` says how a step over a net is captured on a GPU. May
import torch, `sweep.errors` and nothing else of the project.
"""
