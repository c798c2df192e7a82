"""A notebook as one HTML file that loads nothing from elsewhere."""

from __future__ import annotations

from jinja2 import DictLoader
from jupyter_core.paths import ENV_JUPYTER_PATH
from nbconvert import HTMLExporter
from nbformat import NotebookNode

from sweep.reporting.render.templates import TEMPLATES


class _Exporter(HTMLExporter):
    """nbconvert's, that takes its own templates before those of the same names in a user's home."""

    def get_prefix_root_dirs(self) -> list[str]:
        return [*ENV_JUPYTER_PATH, *super().get_prefix_root_dirs()]  # type: ignore[no-untyped-call] # nbconvert has no types


def export_html(notebook: NotebookNode) -> str:
    """The headings and outputs of a notebook as one page, without its code.

    Args:
        notebook: An executed notebook; its outputs are escaped already.
    """
    template = (TEMPLATES / "report.html.j2").read_text(encoding="utf-8")
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    exporter = _Exporter(  # type: ignore[no-untyped-call] # nbconvert has no types
        extra_loaders=[DictLoader({"report.html.j2": template, "style.css": style})],
        template_file="report.html.j2",
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    html, _ = exporter.from_notebook_node(notebook)
    return str(html)
