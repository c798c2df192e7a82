"""What a study cost, and what it was made with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd

from sweep.quantities import quantity
from sweep.reporting.formatting import join_words, rounded_duration
from sweep.reporting.frames.cell_status import FAILURES
from sweep.reporting.render.blocks import Block, Html, note
from sweep.reporting.render.tables import Column, TextCell, table_block, text_cells
from sweep.reporting.render.templates import fragment
from sweep.reporting.sections.study import ReportedStudy
from sweep.reporting.text.warnings import environments
from sweep.store.states import Phase, StepExecution


def cost(study: ReportedStudy) -> list[Block]:
    """Seconds of work by arm and part; a run that several cells share is counted once in the total.

    Args:
        study: The study, with its comparison.
    """
    costs = cost_by_arm(study)
    if costs.empty:
        return [note("No work was done yet.")]
    trains = study.frames.study_ref.design.trains
    parts = ["training", "sampling", "features", "statistics"] if trains else ["features", "statistics"]
    rows = costs.to_dict("records")
    columns = [Column("Arm", text_cells([row["arm"] for row in rows]))]
    columns += [
        Column(part.capitalize(), [TextCell(rounded_duration(row[part])) for row in rows], numeric=True)
        for part in [*parts, "total"]
    ]
    attempts = study.frames.attempts
    ends = attempts["end_reason"].fillna("running").replace(FAILURES).value_counts(sort=False)
    described = ", ".join(f"{n} {reason}" for reason, n in sorted(ends.items(), key=lambda item: str(item[0])))
    caption = (
        f"Time of all {'trainings and ' if trains else ''}scores of each arm, by part. Ends of "
        f"{quantity(len(attempts), 'attempt')}: {described or 'none'}."
    )
    caption += shared(attempts) + not_captured(attempts)
    return [table_block("cost", columns, caption=caption, data=costs)]


def shared(attempts: pd.DataFrame) -> str:
    """A sentence on attempts that had other workers beside them on their device; empty where none had.

    Args:
        attempts: The attempts of a study, with device_workers.
    """
    beside = attempts["device_workers"].dropna().astype(int)
    packed = beside[beside > 1]
    if packed.empty:
        return ""
    return (
        f" {len(packed)} of {len(beside)} attempts shared their device with other workers, up to {packed.max()} in "
        "all. "
        "Their times cannot be compared with others."
    )


def not_captured(attempts: pd.DataFrame) -> str:
    """A sentence on attempts on GPUs that did not launch their step as one CUDA graph; empty where all did.

    Args:
        attempts: The attempts of a study, with device, execution and execution_reason.
    """
    on_gpus = attempts[attempts["device"].str.startswith("cuda") & attempts["execution"].notna()]
    eager = on_gpus[on_gpus["execution"] == StepExecution.EAGER]
    if on_gpus.empty:
        return ""
    if eager.empty:
        return f" All {quantity(len(on_gpus), 'attempt')} on GPUs launched their step as one CUDA graph."
    reasons = eager["execution_reason"].fillna("no reason is recorded").value_counts()
    return (
        f" {len(eager)} of {quantity(len(on_gpus), 'attempt')} on GPUs ran kernel by kernel, which takes longer. The "
        f"most frequent reason: {reasons.index[0]}."
    )


def cost_by_arm(study: ReportedStudy) -> pd.DataFrame:
    """arm, training, sampling, features, statistics, total: seconds; the last row is the study, each run once.

    Args:
        study: The study, with its comparison.
    """
    frames = study.frames
    cells = frames.cells[frames.cells["phase"] == frames.phase] if frames.phase == Phase.CONFIRM else frames.cells
    scoring = ["sampling_seconds", "features_seconds", "statistics_seconds"]
    by_score = frames.scores.drop_duplicates(["cell_id", "score_id"])
    arms = list(dict.fromkeys(cells["arm"])) if frames.phase == Phase.CONFIRM else []
    parts = {"training": cells.drop_duplicates(["arm", "run_id"]).groupby("arm")["train_seconds"].sum()}
    whole = {"training": float(frames.cells.drop_duplicates("run_id")["train_seconds"].sum())}
    for column in scoring:
        name = column.removesuffix("_seconds")
        parts[name] = by_score.drop_duplicates(["arm", "score_id"]).groupby("arm")[column].sum()
        whole[name] = float(by_score.drop_duplicates("score_id")[column].sum())
    costs = pd.DataFrame(parts).reindex(arms).astype(float).fillna(0.0)
    costs = pd.concat([costs, pd.DataFrame(whole, index=["whole study"])]).rename_axis("arm").reset_index()
    costs["total"] = costs[list(whole)].sum(axis=1)
    return costs if costs["total"].iloc[-1] else costs.iloc[:0]


def provenance(study: ReportedStudy) -> list[Block]:
    """Everything by which the numbers could be made again: commits, versions, hardware, hashes, revisions.

    Args:
        study: The study, with its comparison.
    """
    frames = study.frames
    machines = environments(frames)
    protocol = frames.protocol
    commits = sorted({_commit(row["commit"], row["dirty"]) for row in machines.to_dict("records")})
    facts = [
        ("study", f"{frames.name}, revision {frames.revision}, {frames.state}"),
        ("specification", str(frames.revisions["spec_sha256"].iloc[-1])),
        ("protocol", frames.protocol_key),
        ("extractor", f"{protocol.get('extractor')}, sha256 {protocol.get('extractor_sha256')}"),
        ("reference", f"{protocol.get('reference', 'train')} split, {protocol.get('reference_sha256')}"),
        ("source code", join_words(commits) if commits else "not recorded"),
        ("versions at launch", _flat(frames.versions)),
        *_plugins(frames.spec),
    ]
    blocks: list[Block] = [Html(fragment("facts.html.j2", facts=facts))]
    if len(frames.revisions) > 1:
        blocks.append(_revisions(frames.revisions))
    return [*blocks, *_workers(study)]


def _plugins(spec: Mapping[str, Any]) -> list[tuple[str, str]]:
    """One fact for each part of a plugin: its name and the hash of its source, archived with the files of the study."""
    own_parts = spec.get("baseline", {}).get("own_parts", {})
    return [
        ("plugin", f"{kind} {name}, source sha256 {part['source']}")
        for kind, own in own_parts.items()
        for name, part in own.items()
    ]


def _revisions(revisions: pd.DataFrame) -> Block:
    columns = [
        Column("Revision", text_cells(list(revisions["number"]))),
        Column("Accepted", text_cells([f"{moment:%Y-%m-%d %H:%M} UTC" for moment in revisions["accepted_at"]])),
        Column("Reason", text_cells(list(revisions["reason"]))),
    ]
    return table_block("revisions", columns, caption="Accepted versions of the study file.", data=revisions)


def _workers(study: ReportedStudy) -> list[Block]:
    workers = study.frames.workers
    if workers.empty:
        return []
    described = workers.assign(environment=[_machine(environment) for environment in workers["environment"]])
    # Identical machines are one row; a cluster has hundreds.
    same = described.groupby(["device", "environment"], sort=False, as_index=False).agg(
        workers=("worker_id", "size"), hosts=("host", lambda hosts: ", ".join(sorted(set(hosts))))
    )
    columns = [
        Column("Device", text_cells(list(same["device"]))),
        Column("Workers", text_cells(list(same["workers"])), numeric=True),
        Column("Hosts", text_cells(list(same["hosts"]))),
        Column("Environment", text_cells(list(same["environment"]))),
    ]
    return [table_block("workers", columns, caption="Machines that worked on this study.", data=same)]


def _commit(commit: object, dirty: object) -> str:
    if not isinstance(commit, str):
        return "not a git checkout"
    return commit[:12] + (" with uncommitted changes" if dirty is True else "")


def _machine(environment: Mapping[str, object]) -> str:
    """Hardware, system and versions; the commit is told once, above."""
    inner = {name: environment[name] for name in ("versions", "source") if isinstance(environment.get(name), Mapping)}
    outer = {name: value for name, value in environment.items() if name not in inner}
    return ", ".join(filter(None, (_flat(outer), _flat(inner.get("versions", {})))))


def _flat(value: object, prefix: str = "") -> str:
    """A nested mapping as `a.b value, ...`."""
    if isinstance(value, Mapping):
        return ", ".join(filter(None, (_flat(value[key], f"{prefix}{key}.") for key in sorted(value, key=str))))
    if value is None:
        return ""
    return f"{prefix.rstrip('.')} {value if isinstance(value, str) else json.dumps(value)}"
