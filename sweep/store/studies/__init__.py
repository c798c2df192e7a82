"""Studies and their cells: registering, growing, control, rungs, retraining. Start with `studies.py`."""
