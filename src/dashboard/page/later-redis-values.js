// A value as its type wants to be seen; text as it stands or as JSON, whichever was chosen last.
import { h } from "./dom.js";
import { ago, bytes, count, dateTime, duration, visible } from "./text.js";
import { copyButton, empty, facts, remember, remembered, tableOf, toggle } from "./ui.js";

const HEX_ROW = 16;
const HEX_MOST = 4_096;

export function drawValue(data, download) {
  return [
    facts([
      ["Type", data.type],
      ["Encoding", data.encoding],
      ["Length", data.length === undefined ? "" : count(data.length)],
      ["Memory", data.bytes === undefined ? "" : bytes(data.bytes)],
      ["Expires", data.ttlMs > 0 ? `in ${duration(data.ttlMs)}` : "never"],
    ]),
    data.cacheEntry ? cacheEntry(data.cacheEntry) : body(data, download),
  ];
}

function body({ type, value }, download) {
  if (value === null || value === undefined) return empty(`A value of type ${type} cannot be shown.`);
  if (type === "string") return text(value.data, download, value.length);
  const draw = LISTS[type] || LISTS.set;
  return draw(value);
}

const LISTS = {
  hash: (value) =>
    tableOf(
      "Fields",
      ["Field", "Value"],
      value.map(([field, content]) => [cell(field), cell(content)]),
    ),
  zset: (value) =>
    tableOf(
      "Members",
      ["Score", "Member"],
      value.map(([member, score]) => [String(score), cell(member)]),
    ),
  stream: (value) =>
    tableOf(
      "Entries",
      ["Id", "Fields"],
      value.map(({ id, fields }) => [id, fields.map(entryField)]),
    ),
  list: (value) =>
    tableOf(
      "Items",
      ["#", "Item"],
      value.map((item, i) => [String(i), cell(item)]),
    ),
  set: (value) =>
    tableOf(
      "Members",
      ["Member"],
      value.map((item) => [cell(item)]),
    ),
};

const entryField = ([field, content]) => h("div", {}, cell(field), ": ", cell(content));

const CELL_MOST = 2_000;

function cell(data) {
  const isBinary = typeof data === "object" && data !== null;
  const whole = isBinary ? `base64:${data.b64}` : String(data);
  return h(
    "span",
    { class: isBinary ? "mono dim value" : "mono value" },
    visible(whole.slice(0, CELL_MOST)),
    whole.length > CELL_MOST ? "…" : "",
  );
}

// ---- text ----

const FORMATS = [
  ["text", "Text"],
  ["json", "JSON"],
  ["hex", "Bytes"],
];

function text(data, download, length) {
  const format = formatFor(data);
  return h(
    "div",
    { class: "stack" },
    h(
      "div",
      { class: "row" },
      FORMATS.map(([id, name]) => toggle(name, id === format, () => remember("format", id), { key: id })),
      typeof data === "string" ? copyButton(data, "the value") : null,
      download ? h("a", { class: "button small", href: download, download: "value" }, "Download") : null,
      length > sizeOf(data)
        ? h("span", { class: "dim" }, `the first ${bytes(sizeOf(data))} of ${bytes(length)}`)
        : null,
    ),
    h("pre", { class: "value-text", tabindex: "0", "aria-label": "Value" }, SHOWN[format](data)),
  );
}

// What is no text is shown as bytes; what is no JSON as it stands.
function formatFor(data) {
  const wanted = remembered("format", "json");
  if (typeof data === "object") return "hex";
  return wanted === "json" && asJson(data) === null ? "text" : wanted;
}

const lines = (whole) =>
  whole
    .split("\n")
    .map((line) => line.split("\t").map(visible).join("\t"))
    .join("\n");
const SHOWN = { text: lines, json: (data) => lines(asJson(data)), hex };

function asJson(data) {
  try {
    const value = JSON.parse(data);
    return typeof value === "object" ? JSON.stringify(value, null, 2) : null;
  } catch {
    return null;
  }
}

const bytesOf = (data) =>
  typeof data === "object"
    ? Uint8Array.from(atob(data.b64), (letter) => letter.charCodeAt(0))
    : new TextEncoder().encode(data);
const sizeOf = (data) => (typeof data === "object" ? Math.floor((data.b64.length * 3) / 4) : data.length);

function hex(data) {
  const all = bytesOf(data).subarray(0, HEX_MOST);
  const rows = [];
  for (let at = 0; at < all.length; at += HEX_ROW) {
    const part = [...all.subarray(at, at + HEX_ROW)];
    const numbers = part.map((value) => value.toString(16).padStart(2, "0")).join(" ");
    rows.push(
      `${at.toString(16).padStart(6, "0")}  ${numbers.padEnd(HEX_ROW * 3 - 1)}  ${part.map(letter).join("")}`,
    );
  }
  return rows.join("\n");
}

function letter(value) {
  if (value < 32 || value > 126) return "·";
  return String.fromCharCode(value);
}

// ---- an entry of the distributed cache: a hash to the server, a value with two expiries to the program ----

function cacheEntry({ absexp, sldexp, data, length }) {
  const rows = [
    ["Ends at", sayEnd(absexp)],
    ["Ends after", sldexp && `${duration(sldexp)} without use`],
    ["Size", bytes(length)],
  ];
  return h(
    "div",
    { class: "stack" },
    h("h3", {}, "Entry of the distributed cache"),
    facts(rows),
    text(data, "", length),
  );
}

function sayEnd(absexp) {
  if (!absexp) return "no fixed time";
  if (absexp < Date.now()) return `${dateTime(absexp)}, ${ago(absexp)} ago`;
  return dateTime(absexp);
}
