"""The sections of a report: a study in, blocks out. A notebook cell is one call of these.

Their order on the page and their headings are in `SECTIONS` of `render/notebook.py`.
"""

from __future__ import annotations

from sweep.reporting.render.blocks import Block, Html
from sweep.reporting.render.templates import fragment
from sweep.reporting.sections.ablation import ablation
from sweep.reporting.sections.answer import differences, verdict
from sweep.reporting.sections.certainty import certainty
from sweep.reporting.sections.checklist import checklist
from sweep.reporting.sections.combinations import interactions
from sweep.reporting.sections.curves import learning_curves
from sweep.reporting.sections.diffusion import chains, samples
from sweep.reporting.sections.during_training import during_training
from sweep.reporting.sections.evaluation import evaluation_factors
from sweep.reporting.sections.given import items
from sweep.reporting.sections.ledger import cost, provenance
from sweep.reporting.sections.own_best import own_best_levels
from sweep.reporting.sections.own_question import dose_response, own_question
from sweep.reporting.sections.planned_cells import completeness
from sweep.reporting.sections.record import record, since_last
from sweep.reporting.sections.scores import other_scores
from sweep.reporting.sections.search import importance, importances, search
from sweep.reporting.sections.search_claims import search_claims_table
from sweep.reporting.sections.study import ReportedStudy, open_study, read_study
from sweep.reporting.text.methods import methods_text

__all__ = [
    "ReportedStudy",
    "ablation",
    "certainty",
    "chains",
    "checklist",
    "completeness",
    "cost",
    "differences",
    "dose_response",
    "during_training",
    "evaluation_factors",
    "importance",
    "importances",
    "interactions",
    "items",
    "learning_curves",
    "methods",
    "open_study",
    "other_scores",
    "own_best_levels",
    "own_question",
    "provenance",
    "read_study",
    "record",
    "samples",
    "search",
    "search_claims_table",
    "since_last",
    "verdict",
]


def methods(study: ReportedStudy) -> list[Block]:
    """The methods paragraph and its references.

    Args:
        study: The study, with its comparison.
    """
    paragraphs, references = methods_text(study.frames, study.comparison)
    return [Html(fragment("methods.html.j2", paragraphs=paragraphs, references=references))]
