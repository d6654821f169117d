"""ONNX export of fitted estimators: graphs from raw columns to scores, or from noise to rows."""
