"""Sampling with a trained model: blocks, relations, conditions, chunks, and imputation."""
