"""One worker: it claims work, does it in a trial process, and records the result.

- `worker.py` holds the lease and talks to the store. Start reading there.
- `trial_process.py` is the spawned process that owns torch and the device; `jobs.py` is what it can do.
- `orders.py` holds the jobs that a worker orders, `messages.py` what the trial process answers, and `child.py` the
  worker's end of the pipe.

May import from `search` and below, but not `reporting`.
"""
