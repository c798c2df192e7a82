"""Writing a report: notebook, HTML, LaTeX, CSV and the index of all reports. Start with `notebook.py`."""
