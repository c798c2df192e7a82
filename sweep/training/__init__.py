"""One training, whole: from a config, a dataset and a folder to trained weights. Knows no store and no search.

Start reading in `trainer.py`, where a step reads from top to bottom: draw a batch, noise it, predict, weigh the loss,
backward, clip, optimizer, averages. Around the step:

- `loop.py`: `train` repeats the step, reports, saves checkpoints, stops and resumes.
- `step_state.py`: the tensors that the step reads and writes; they outlive a run, and so does a captured step.
- `prefetch.py`, `batch.py`, `seeding.py`, `timesteps.py`: what the host draws, as a function of (seed, step).
- `objective.py`, `auxiliary_losses.py`, `noise_tables.py`: the loss of a config, and its tables.
- `optimizers.py`, `lr_schedules.py`, `ema.py`, `power_ema.py`: what a step does with the gradients.
- `checkpoint.py`, `metrics_buffer.py`, `validation.py`, `interfaces.py`: what leaves a training.

On a GPU the step is captured once as a CUDA graph (`sweep/nets/cuda_graph.py`) and replayed; its numbers are the same.
"""
