"""ONNX: fitted estimators as graphs, raw columns in, scores or rows out."""
