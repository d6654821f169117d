"""Score images with onnxruntime and numpy: python score_images.py scorer.onnx images.npy [maps.npy].

The array holds images of the fitted shape and unit, such as (n, 28, 28) from 0 to 255. Maps are written to a file.
"""

import json
import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
properties = session.get_modelmeta().custom_metadata_map.items()
metadata = {k: json.loads(v) for k, v in properties if k.startswith("gensynth.")}
if [port["holds"] for port in metadata["gensynth.inputs"]] != ["pixels"]:
    sys.exit("the scorer has inputs other than images; score_csv.py shows how to read their cells")
(port,) = metadata["gensynth.inputs"]
outputs = [output.name for output in session.get_outputs()]
images, shape = np.load(sys.argv[2]), tuple(port["shape"])
if port["flat"]:
    shape = (int(np.prod(shape)),)
if images.shape[1:] != shape or not len(images):
    sys.exit(f"the array has shape {images.shape}; expected (n, {', '.join(map(str, shape))}), axes {port['axes']}")
if not np.can_cast(images.dtype, port["dtype"]) or not np.isfinite(images).all():
    sys.exit(f"the images have dtype {images.dtype} or missing pixels; expected finite {port['dtype']}")
if images.min() < port["low"] or images.max() > port["high"]:
    print(f"values outside {port['low']:g} to {port['high']:g} are clipped", file=sys.stderr)
parts = []
for start in range(0, len(images), 64):  # as many at a time as fit the memory
    feeds = {port["name"]: images[start : start + 64].astype(port["dtype"])}
    parts.append(dict(zip(outputs, session.run(outputs, feeds), strict=True)))
for score in np.concatenate([part["score"] for part in parts]):
    print(score)
if len(sys.argv) > 3:
    if "map" not in outputs:
        sys.exit("the scorer has no maps: its score has no contributions of single pixels")
    np.save(sys.argv[3], np.concatenate([part["map"] for part in parts]))
