"""Executors: they start `sweep worker` on this machine, by Slurm or by Ray, and know nothing about runs.

Start with `placement.py`, which says what an executor gets and returns, and `registry.py`, which lists them;
`register.py` writes a study into the store. May import from `worker` and below.
"""
