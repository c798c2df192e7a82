"""The settings that a search chose: what it claimed, and what fresh seeds say."""

from __future__ import annotations

import pandas as pd

from sweep.reporting.formatting import NOTHING, number, percent
from sweep.reporting.render.blocks import Block, note
from sweep.reporting.render.tables import Badge, Column, TextCell, table_block, text_cells
from sweep.reporting.sections.study import ReportedStudy


def claims_in_words(study: ReportedStudy) -> str:
    """What was left of the best setting's claim; empty before anything is confirmed.

    Args:
        study: The study, with its comparison.
    """
    if study.search_claims.empty:
        return ""
    best, decimals = study.search_claims.iloc[0], study.decimals
    start = (
        f"The best setting on fresh seeds is {best['arm']} ({best['says']}). The search claimed "
        f"{study.comparison.label} {number(best['claimed'], decimals)}; fresh seeds give "
        f"{number(best['confirmed'], decimals)}"
    )
    helps = (best["claimed_gain"] < 0) == study.comparison.lower_is_better
    if not helps or pd.isna(best["gain"]):
        return f"{start}."
    share = best["gain"] / best["claimed_gain"]
    return f"{start}, which is {percent(share) if share > 0 else 'none'} of the gain that it claimed."


def search_claims_table(study: ReportedStudy) -> list[Block]:
    """Claimed and confirmed scores of each confirmed setting.

    Args:
        study: The study, with its comparison.
    """
    claims, decimals = study.search_claims, study.decimals
    if claims.empty:
        return [note("No setting of the search was trained again on fresh seeds yet.")]
    rows = claims.to_dict("records")

    def amounts(name: str, low: str = "", high: str = "") -> list[TextCell]:
        signed = name not in ("claimed", "confirmed")
        cells = []
        for row in rows:
            known = bool(low) and not pd.isna(row[low])
            bounds = " to ".join(number(row[end], decimals, signed=True) for end in (low, high)) if known else ""
            text = number(row[name], decimals, signed=signed) if not pd.isna(row[name]) else NOTHING
            cells.append(TextCell(text, bounds))
        return cells

    columns = [
        Column("Setting", [TextCell(row["arm"], row["says"]) for row in rows]),
        Column("Claimed by the search", amounts("claimed"), numeric=True),
        Column("On fresh seeds", amounts("confirmed"), numeric=True),
        Column("Change", amounts("change", "change_low", "change_high"), numeric=True),
        Column("Claimed gain", amounts("claimed_gain"), numeric=True),
        Column("Gain", amounts("gain", "gain_low", "gain_high"), numeric=True),
        Column("Verdict", [Badge(row["verdict"]) for row in rows]),
        Column("Seeds", text_cells([row["n"] for row in rows]), numeric=True),
    ]
    caption = (
        f"{study.comparison.label} ({study.direction}) of each setting that the search chose. The claim is its score "
        "as a trial, which is the best of many and partly luck. The change is from that score to the mean over fresh "
        "seeds, with its 95 % t interval. Gains are differences from the baseline's mean over fresh seeds; those of "
        "fresh seeds are paired, and their intervals hold for all settings at once."
    )
    return [table_block("search_claims", columns, caption=caption, data=claims)]
