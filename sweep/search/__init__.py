"""The adaptive part of a study: asks Optuna, promotes, prunes and confirms. The only package that needs Optuna.

Start with `scheduler.py`, which adds the next cells of a study that grows. May import from `planning` and below.
"""
