"""Statistics over training seeds. Start with `comparison.py`, then `paired.py`."""
