"""Making it so: the `Project` front door, the run loop, executors, retries, logs."""
