"""Scores of rows, of ensembles and of detectors; p-values, attributions and reasons."""
