"""A notebook as one HTML file that asks nobody for anything."""

from __future__ import annotations

from jinja2 import DictLoader
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from sweep.report.templates import TEMPLATES


def export_html(notebook: NotebookNode) -> str:
    """Outputs and headings, no code. Whatever a study is called is escaped where the outputs are made."""
    template = (TEMPLATES / "report.html.j2").read_text(encoding="utf-8")
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        extra_loaders=[DictLoader({"report.html.j2": template, "style.css": style})],
        template_file="report.html.j2",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    html, _ = exporter.from_notebook_node(notebook)
    return str(html)
