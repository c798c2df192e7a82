"""What a report says in sentences: methods, references, warnings. Start with `methods.py`."""
