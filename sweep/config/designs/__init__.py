"""Designs: how the levels of factors become arms, and what a study trains beyond them. One class a design.

A design is a part of the study file and holds everything that depends on it, so that no caller asks which one it is.
Pure: no Optuna, no torch, no store. Start with `base.py`; `registry.py` lists them.
"""
