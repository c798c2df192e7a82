"""What a person writes and what a run is: study files, settings, and their keys.

Start with `study.py` (the file), `run.py` (a training and a score) and `keys.py` (their identity). Imports only
errors and limits.
"""
