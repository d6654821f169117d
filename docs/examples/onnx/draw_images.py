"""Draw images with onnxruntime and numpy: python draw_images.py sampler.onnx 16 images.npy [COLUMN=VALUE ...].

COLUMN=VALUE is for a conditional model, as in label=3. The other columns are printed.
"""

import json
import sys
from typing import Any

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
properties = session.get_modelmeta().custom_metadata_map.items()
metadata = {k: json.loads(v) for k, v in properties if k.startswith("gensynth.")}
n, rng = int(sys.argv[2]), np.random.default_rng()
feeds = {}
for noise in metadata["gensynth.noise"]:
    draw = rng.random if noise["name"] == "uniform" else rng.standard_normal
    feeds[noise["name"]] = draw((n, noise["width"]), dtype=np.float32)
given = dict(argument.split("=", 1) for argument in sys.argv[4:])
kinds: dict[str, Any] = {"double": float, "int64": np.int64, "bool": bool, "string": str}
for port in metadata["gensynth.inputs"]:
    if port["column"] not in given:
        sys.exit(f"the model is conditional on {port['column']}: add {port['column']}=VALUE")
    text, kind = given.pop(port["column"]), kinds[port["type"]]
    levels = port["levels"] or {}
    if levels.get("type") in ("plain", "number") and text not in map(str, levels["values"]):
        sys.exit(f"{port['column']}={text} is not fitted; categories: {', '.join(map(str, levels['values']))}")
    value = text == "true" if kind is bool else kind(text)
    feeds[port["name"]] = np.full((n, 1), value, object).astype(kind)
if given:
    sys.exit(f"the model is not conditional on {', '.join(given)}")
names = [port["name"] for port in metadata["gensynth.outputs"]]
drawn = dict(zip(names, session.run(names, feeds), strict=True))
for port in metadata["gensynth.outputs"]:
    if port["holds"] == "pixels":
        np.save(sys.argv[3], drawn[port["name"]])
    else:
        print(port["column"], *drawn[port["name"]][:, 0])
