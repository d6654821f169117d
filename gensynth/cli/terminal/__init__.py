"""The terminal and the process: messages, progress, standard streams, signals, ranks under ``torchrun``."""
