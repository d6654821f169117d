"""What estimators accept, as tables of the fitted columns, and the encoded rows that are learned from."""
