"""Work and who does it: leases, claims, attempts, progress, workers, events. Start with `claim.py`."""
