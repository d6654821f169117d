// Score rows with onnxruntime-node: node score.cjs scorer.onnx rows.json properties.json; missing cells are null.
const { readFileSync } = require("node:fs");
const { InferenceSession, Tensor } = require("onnxruntime-node");

const [model, data, properties] = process.argv.slice(2);
const rows = JSON.parse(readFileSync(data, "utf8"));
const ports = JSON.parse(readFileSync(properties, "utf8"))["gensynth.inputs"];
const types = { double: "float64", int64: "int64", bool: "bool", string: "string" };

function cell(port, value) {
  if (value === null) return port.type === "int64" ? BigInt.asIntN(64, 1n << 63n) : port.type === "double" ? NaN : port.missing;
  if (port.holds === "moment") return BigInt(Date.parse(value)) * 1000n; // milliseconds to microseconds
  return port.type === "int64" ? BigInt(value) : port.type === "double" ? Number(value) : value;
}

function tensor(port) {
  const cells = rows.map((row) => cell(port, row[port.column] ?? null));
  const arrays = { double: Float64Array, int64: BigInt64Array, bool: Uint8Array, string: Array };
  return new Tensor(types[port.type], arrays[port.type].from(cells), [rows.length, 1]);
}

InferenceSession.create(model)
  .then((session) => session.run(Object.fromEntries(ports.map((port) => [port.name, tensor(port)]))))
  .then(({ score }) => console.log(JSON.stringify(Array.from(score.data))));
