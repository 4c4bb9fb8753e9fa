"""Ways to run one step: in this process, or in a pool of warm worker processes."""
