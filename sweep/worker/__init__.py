"""One worker: claims work, runs it in a trial process, and records what came of it.

`worker.py` holds the lease and talks to the store; `trial_process.py` is the spawned process that owns torch and
the device; `messages.py` is what they exchange. Start with `worker.py`.
"""
