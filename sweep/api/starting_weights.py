"""The weights that the trainings of a study begin with, before anything is trained."""

from __future__ import annotations

from pathlib import Path

from sweep.files.file_store import FileStore
from sweep.files.starting_weights import archive_weights
from sweep.planning.plan import StudyPlan


def check_starting_weights(plan: StudyPlan, files: FileStore | None = None) -> None:
    """Refuse weights that do not fit the net of an arm, and archive those that do.

    Nets of plugins are checked when they are trained, because their code would run here.

    Args:
        plan: The plan of the study, which may begin with weights.
        files: Where the weights are archived; None to archive nothing.

    Raises:
        DataError: The weights cannot be read, or do not fit.
        FileStoreError: The files cannot be reached.
    """
    weights = plan.study.baseline.init_from
    if weights is None:
        return
    from sweep.training.initial_net import build_net
    from sweep.training.starting_weights import load_starting_weights
    from sweep.worker.sampled_net import image_shape

    channels, size = image_shape(plan.study.baseline.data)
    settings = [plan.study.setting(arm.changes) for arm in plan.arms]
    nets = {(setting.net.model_dump_json(), setting.learned_variance): setting for setting in settings}
    for setting in nets.values():
        if setting.net.kind != "own":
            load_starting_weights(build_net(setting, channels=channels, size=size), Path(weights.path))
    if files is not None:
        archive_weights(files, weights)
