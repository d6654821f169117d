"""Work of many workers on a Ray cluster; Ray itself is imported where it is asked for, and nowhere else."""
