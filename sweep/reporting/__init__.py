"""From the store to an executed notebook and a page: SQL, frames, statistics, figures, sections.

`frames` reads tables into pandas; `stats` compares; `text` says it in words; `figures` and `sections` show it;
`render` writes notebook, HTML, LaTeX and CSV. Knows no torch. Start with `render/notebook.py`. May import from
`search` and below.
"""
