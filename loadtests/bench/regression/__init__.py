"""Whether `redline compare` finds a reference server that became slower, and nothing else."""
