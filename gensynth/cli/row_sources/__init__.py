"""Sources of the rows that a command writes: any range of them can be generated independently."""
