"""Scores of a trained run: images are drawn, features extracted, distances computed with their errors.

Knows no SQL. Start with `score.py`. May import `nets`, `diffusion`, `data` and what is below them.
"""
