"""What a person writes and what a run is: study files, settings, and their keys.

Start with `study.py` (a study; `study_file.py` reads one), `run.py` (a training and a score), `designs` (how levels
become arms) and `keys.py` (identities). Imports `plugins` and what is below it.
"""
