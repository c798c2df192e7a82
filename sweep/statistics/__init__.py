"""The rule of comparison on plain numbers: what reports show by it, and searches and interim analyses decide by it.

Knows no table and no study. Start with `multiple.py`, which judges several arms together.
"""
