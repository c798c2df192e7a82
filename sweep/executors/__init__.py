"""Executors: they start `sweep worker` on this machine, by Slurm or by Ray, and know nothing about runs.

Start with `registry.py` and `placement.py`; `register.py` writes a study into the store.
"""
