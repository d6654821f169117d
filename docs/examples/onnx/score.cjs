// Score rows with onnxruntime-node: node score.cjs scorer.onnx rows.json properties.json
// Missing cells are null; numbers, true and false are those of JSON; dates are texts such as 2026-01-31T12:30:59.
const { readFileSync } = require("node:fs");
const { InferenceSession, Tensor } = require("onnxruntime-node");

const [model, data, properties] = process.argv.slice(2);
const rows = JSON.parse(readFileSync(data, "utf8"));
const metadata = JSON.parse(readFileSync(properties, "utf8"));
const ports = metadata["gensynth.inputs"];
const columns = new Map(metadata["gensynth.schema"].columns.map((column) => [column.name, column]));
const LEAST = -(2n ** 63n);
const DATE = /^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?$/;
const MARKS = ["positive", "negative", "zero", "decimal", "thousands"];
const NUMBER = /^(-?\d+)(?:\.(\d+))?$/;

function moment(port, value) {
  const { dtype, format = "%Y-%m-%d" } = columns.get(port.column);
  const parts = typeof value === "string" && DATE.exec(value);
  const readable = port.unit !== "periods" && !dtype.includes(",") && !format.includes("z") && format.startsWith("%Y-%m-%d");
  if (!readable || !parts) throw new Error("not a date in a format that this example reads");
  const [, day, minute = "00:00", second = "00", fraction = ""] = parts;
  const milliseconds = Date.parse(`${day}T${minute}:${second}Z`);
  if (Number.isNaN(milliseconds)) throw new Error("no such date");
  const nanoseconds = BigInt(milliseconds) * 1000000n + BigInt(fraction.padEnd(9, "0"));
  const [unit, rest] = port.unit === "ns" ? [1n, 0n] : [1000n, ((nanoseconds % 1000n) + 1000n) % 1000n];
  return (nanoseconds - rest) / unit;
}

function ticks(value, places) {
  const parts = NUMBER.exec(String(value)); // more digits than a number of JSON has: given as text
  if (!parts || (parts[2] ?? "").length > places || (typeof value === "number" && Math.abs(value) > 2 ** 53)) {
    throw new Error(`not a number of at most ${places} decimals; write one of more than 15 digits as text`);
  }
  return BigInt(parts[1] + (parts[2] ?? "").padEnd(places, "0"));
}

function present(port, value) {
  if (port.holds === "moment") return moment(port, value);
  if (port.type === "int64") return ticks(value, port.holds === "ticks" ? Number(port.unit) : 0);
  const notation = columns.get(port.column).notation ?? {}; // no mark of it: 1234.5 and -1234.5
  if (MARKS.some((mark) => mark in notation)) throw new Error("this example does not read numbers in a notation such as 1.234,50");
  if (port.holds === "number" && NUMBER.test(value)) return Number(value);
  const wanted = port.holds === "truth" ? "boolean" : port.holds === "text" ? "string" : "number";
  if (typeof value !== wanted) throw new Error(`not a ${wanted}`);
  if (value === port.missing) throw new Error("this text stands for a missing value");
  return port.type === "double" ? Number(value) : value;
}

function cell(port, value) {
  const missing = port.type === "int64" ? LEAST : port.type === "double" ? NaN : port.missing;
  const special = (columns.get(port.column).specials ?? []).includes(value);
  if (value === undefined) throw new Error("the row lacks the column");
  if (value === null && missing === null) throw new Error("a missing value, and the column had none when it was fitted");
  if (port.holds === "special") return special ? value : missing;
  return value === null || special ? missing : present(port, value);
}

function tensor(port) {
  const cells = rows.map((row, i) => {
    try {
      return cell(port, row[port.column]);
    } catch (error) {
      throw new Error(`column ${port.column}, row ${i}: ${JSON.stringify(row[port.column])} cannot be read (${error.message})`);
    }
  });
  const arrays = { double: Float64Array, int64: BigInt64Array, bool: Uint8Array, string: Array };
  const types = { double: "float64", int64: "int64", bool: "bool", string: "string" };
  return new Tensor(types[port.type], arrays[port.type].from(cells), [rows.length, 1]);
}

async function main() {
  const session = await InferenceSession.create(model);
  const { score } = await session.run(Object.fromEntries(ports.map((port) => [port.name, tensor(port)])));
  console.log(JSON.stringify(Array.from(score.data)));
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 2;
});
