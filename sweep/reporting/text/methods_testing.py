"""The part of the methods that says how differences were judged."""

from __future__ import annotations

from sweep.quantities import quantity
from sweep.reporting.formatting import join_words, number
from sweep.reporting.frames.frames import StudyFrames
from sweep.reporting.stats.comparison import Comparison
from sweep.reporting.text.citations import Citations
from sweep.reporting.text.replicates import replicate_words
from sweep.statistics.paired import ALPHA
from sweep.statistics.sign_patterns import EXACT_PAIRS


def testing_text(frames: StudyFrames, comparison: Comparison, citations: Citations) -> str:
    """How differences were judged; empty where none was.

    Args:
        frames: The tables of the study.
        comparison: The comparison of the arms.
        citations: Collects the sources that the sentences name.
    """
    if not comparison.confirmatory or not len(comparison.pairs):
        return ""
    judged = int(comparison.compared["p_adjusted"].notna().sum())
    of = "Ratios of scores to the baseline's, compared as logarithms," if comparison.ratio else "Differences"
    unit = " and shown as differences from its mean" if comparison.ratio else " from the baseline"
    at_once = "" if comparison.family == 1 else " simultaneous"
    words = replicate_words(frames)
    text = f"{of}{unit} are over {words.many}, with{at_once} 95 % intervals."
    if judged:
        test = _test(comparison, citations, unpaired=words.is_given and not words.is_paired)
        text += (
            " An arm is called no different from the baseline if the whole interval lies within the smallest effect of "
            f"interest, ±{number(comparison.margin, 4)} {comparison.label}{citations.cite('Schuirmann 1987')}. "
            f"Otherwise it is called better or worse if p < {ALPHA:g} by {test}."
        )
    if (comparison.compared["test"] == "signed-rank").any():
        text += (
            " Where runs of an arm or of the baseline diverged, the signed-rank test"
            f"{citations.cite('Wilcoxon 1945')} decides alone, and ranks a diverged run as worse than any score."
        )
    return text + _robustness(comparison, citations) + _interim(comparison, citations)


def _test(comparison: Comparison, citations: Citations, *, unpaired: bool) -> str:
    if unpaired:
        adjusted = (
            ""
            if comparison.family == 1
            else f", adjusted in steps over {quantity(comparison.family, 'arm')}{citations.cite('Sidak 1967')}"
        )
        return f"Welch's t test{citations.cite('Welch 1947')}{adjusted}"
    if comparison.family == 1:
        return "the paired t test"
    noisier = int(comparison.compared["noisier"].sum())
    own = (
        f"; {quantity(noisier, 'arm')} far above it {'is' if noisier == 1 else 'are'} judged by its own"
        if noisier
        else ""
    )
    return (
        f"Dunnett's test{citations.cite('Dunnett 1955')} in steps{citations.cite('Dunnett & Tamhane 1991')} over "
        f"{quantity(comparison.family, 'arm')}. The variance of an arm's differences is its own or, where that is "
        f"larger, the upper quartile of all arms' without its bias{own}"
    )


def _robustness(comparison: Comparison, citations: Citations) -> str:
    flipped = comparison.compared[comparison.compared["p_sign_flip"].notna()]
    if flipped.empty:
        return ""
    drawn = f" (drawn sign patterns above {EXACT_PAIRS} pairs)" if flipped["pairs"].max() > EXACT_PAIRS else ""
    return (
        " As a check that assumes only symmetric differences, signs of whole seeds were exchanged"
        f"{citations.cite('Westfall & Young 1993')}{drawn}."
    )


def _interim(comparison: Comparison, citations: Citations) -> str:
    analysis = comparison.analysis
    if analysis is None:
        return ""
    source = {"pocock": "Pocock 1977", "obrien_fleming": "O'Brien & Fleming 1979"}[analysis.plan.shape]
    at = join_words([str(seeds) for seeds in analysis.plan.seeds])
    which = f"this is analysis {analysis.number}" if analysis.number else "the first is still to come"
    return (
        f" Interim analyses were declared after {at} seeds; {which}. Levels follow {source}"
        f"{citations.cite(source)}, and intervals are repeated ones that hold at all analyses"
        f"{citations.cite('Jennison & Turnbull 2000')}."
    )
