"""The checklist as LaTeX, with the macros of the NeurIPS style file."""

from __future__ import annotations

from collections.abc import Sequence

from sweep.reporting.render.latex import latex_text
from sweep.reporting.text.checklist import ChecklistAnswer, ChecklistItem

MACROS = {
    ChecklistAnswer.YES: r"\answerYes{}",
    ChecklistAnswer.NO: r"\answerNo{}",
    ChecklistAnswer.AUTHORS: r"\answerTODO{}",
}


def checklist_tex(items: Sequence[ChecklistItem]) -> str:
    r"""The items in the form of the checklist: question, answer, justification. `\answerYes` and its like are macros of
    the NeurIPS style file. What the store does not know stands behind each item as a comment.

    Args:
        items: The items; those without a title become paragraphs behind the list.
    """
    titled = [_item(item) for item in items if item.title]
    others = [
        f"\\paragraph{{{latex_text(item.question)}}} {latex_text(' '.join(item.facts))}\n{_comments(item)}"
        for item in items
        if not item.title
    ]
    return "\n".join([r"\begin{enumerate}", *titled, r"\end{enumerate}", *others]) + "\n"


def _item(item: ChecklistItem) -> str:
    lines = [
        rf"\item {{\bf {latex_text(item.title)}}}",
        rf"    \item[] Question: {latex_text(item.question)}",
        rf"    \item[] Answer: {MACROS[item.answer]}",
        rf"    \item[] Justification: {latex_text(' '.join(item.facts))}",
    ]
    return "\n".join(lines) + "\n" + _comments(item)


def _comments(item: ChecklistItem) -> str:
    # One line each: a comment ends with its line.
    lines = [latex_text(" ".join(phrase.split())) for phrase in item.missing]
    return "".join(f"% Missing, to be added by the authors: {line}\n" for line in lines)
