"""The model card of an exported run: what it is, how it was scored, and how to use it."""

from __future__ import annotations

from collections.abc import Iterator

from sweep.api.trained_run import TrainedRun
from sweep.config.run import EvalConfig
from sweep.config.yaml_text import yaml_text
from sweep.reporting.metrics import label_of

MEAN_OF_NOISE_SETS = -1

_USE = {
    "diffusers": """\
```python
from diffusers import DiffusionPipeline

pipeline = DiffusionPipeline.from_pretrained("FOLDER", trust_remote_code=True)
images = pipeline(batch_size=16, seed=0).images
```

`trust_remote_code` lets diffusers run `pipeline.py` of this folder, which draws the images as the study drew them. The
U-Net in `unet` is diffusers' own `UNet2DModel` and can be used without it; it takes the index t - 1 as its timestep.
""",
    "safetensors": """\
```python
from safetensors.torch import load_file

weights = load_file("FOLDER/model.safetensors")
```

`config.json` has the settings of the training and of the sampling. A study continues from these weights with
`init_from: FOLDER/model.safetensors` in its baseline.
""",
}


def model_card(trained: TrainedRun, evaluation: EvalConfig, format: str) -> str:
    """The card as Markdown.

    Args:
        trained: The run.
        evaluation: How images are sampled from the exported weights.
        format: `safetensors` or `diffusers`.
    """
    study, cell = trained.study, trained.cells[0]
    protocol = study.protocol
    library = f"library_name: {format}\n"
    changed = (
        ""
        if evaluation == trained.evaluation
        else ("\nThe weights or the sampling differ from those that were scored: see the settings below.\n")
    )
    return f"""\
---
{library}tags: [ddpm-sweep, diffusion, unconditional-image-generation]
---
# {study.name}, run {trained.run}

{study.question}

Arm `{cell.arm_name}` at training seed {trained.train.seed}, trained on {trained.train.data.name} by ddpm-sweep.

## Scores

Under the protocol {protocol.label}: {protocol.n:,} images in each of {len(protocol.noise_sets)} noise sets, against the
{protocol.reference} split; extractor {protocol.extractor} ({protocol.extractor_sha256[:12]}), reference
{protocol.reference_sha256[:12]}. Scores of other protocols do not compare.
{changed}
| score | value | standard error over noise sets |
|---|---|---|
{chr(10).join(_scores(trained))}

Trainings that differ in nothing but the seed have different scores: see the report of the study.

## Use

{_USE[format]}
## Settings

Train key `{trained.train_key}`.

```yaml
{yaml_text({"training": trained.train.model_dump(mode="json"), "sampling": evaluation.model_dump(mode="json")})}```
"""


def _scores(trained: TrainedRun) -> Iterator[str]:
    study = trained.study
    for score in (score for cell in trained.cells[:1] for score in cell.scores if score.is_primary):
        for measured in score.measurements:
            if measured.noise_set == MEAN_OF_NOISE_SETS:
                error = "" if measured.standard_error is None else f"{measured.standard_error:.3g}"
                label = label_of(measured.name, dict(study.protocol_spec))
                yield f"| {label} | {measured.value:.5g} | {error} |"
