"""Where a command computes: in this process or on the workers of a Ray cluster."""
