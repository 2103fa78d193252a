// The keys of a server as a tree, loaded by SCAN a few thousand at a time, and the value of the one that is chosen.
import { get, remove, url } from "./api.js";
import { confirm } from "./dialog.js";
import { h } from "./dom.js";
import { changed } from "./frame.js";
import { access } from "./later-redis.js";
import { drawValue } from "./later-redis-values.js";
import { address, param, setParams } from "./route.js";
import { bytes, count, duration, plural, visible } from "./text.js";
import { button, problem, remember, remembered, say } from "./ui.js";
import { windowed } from "./windowed.js";

const COUNT = 200;
const ENOUGH = 2_000;
const SIDE = 22;
const TYPES = ["", "string", "hash", "list", "set", "zset", "stream"];
const NO_SCAN = { keys: [], cursor: "0", total: 0, isBusy: false, problem: null };

let scan = { id: "", ...NO_SCAN };
let shown = { id: "" };
const open = new Set();
let typed = 0;

export function forgetKeys() {
  scan = { id: "", ...NO_SCAN };
  shown = { id: "" };
  open.clear();
}

export const idOf = (key) => (typeof key === "object" ? `b64:${key.b64}` : `text:${key}`);

// Bytes as an address carries them, whatever they are.
export function escaped(id) {
  if (id.startsWith("text:")) return encodeURIComponent(id.slice(5));
  return [...atob(id.slice(4))].map((letter) => `%${letter.charCodeAt(0).toString(16).padStart(2, "0")}`).join("");
}

const pathOf = (server, what) => `/redis/${encodeURIComponent(server)}/${what}`;
export const keyUrl = (server, id, more = {}) =>
  `${url(pathOf(server, "key"), { db: param("db", "0"), ...more })}&key=${escaped(id)}`.replace("/api/v1", "");

export function drawKeys(server) {
  const wanted = { db: param("db", "0"), match: globOf(param("match")), type: param("type") };
  const id = JSON.stringify([server, wanted]);
  if (scan.id !== id) begin(id, server, wanted);
  const key = param("key");
  if (key && shown.id !== `${server} ${wanted.db} ${key}`) load(server, wanted.db, key);
  return [
    tools(server),
    problem(scan.problem, () => {
      scan.id = "";
      changed();
    }),
    h(
      "div",
      { key: "keys", class: key ? "keys-page has-key" : "keys-page" },
      tree(),
      key ? chosen(server, key) : null,
    ),
  ];
}

// A word is looked for anywhere; whoever knows globs writes one.
const globOf = (text) => (text && !/[*?[\]]/.test(text) ? `*${text}*` : text);

// ---- scanning ----

function begin(id, server, wanted) {
  scan = { ...NO_SCAN, id, server, wanted, keys: [], cursor: "0", limit: ENOUGH };
  clearTimeout(typed);
  typed = setTimeout(() => more(), 150);
}

// Until there is enough to look at, the end, or another search.
async function more() {
  const mine = scan;
  if (mine.isBusy) return;
  mine.isBusy = true;
  changed();
  const seen = new Set(mine.keys.map((one) => one.id));
  try {
    do {
      const answer = await get(pathOf(mine.server, "keys"), { ...mine.wanted, cursor: mine.cursor, count: COUNT });
      if (mine !== scan) return;
      add(mine, answer, seen);
      changed();
    } while (mine.cursor !== "0" && mine.keys.length < mine.limit);
  } catch (error) {
    mine.problem = error;
  }
  mine.isBusy = false;
  mine.isDone = mine.cursor === "0";
  changed();
}

// SCAN may say a key twice.
function add(mine, { keys, cursor, total }, seen) {
  for (const one of keys) {
    const id = idOf(one.key);
    if (seen.has(id)) continue;
    seen.add(id);
    mine.keys.push({ ...one, id });
  }
  Object.assign(mine, { cursor, total });
  mine.rows = null;
}

// ---- the tree ----

const delimiters = () => remembered("delimiters", ":");

// Folders first, both by name. A folder that holds one key only is shown as that key.
function branch(keys, depth, prefix) {
  const folders = new Map();
  const leaves = [];
  for (const key of keys) {
    const part = key.parts[depth];
    if (depth >= key.parts.length - 1) leaves.push(key);
    else if (folders.has(part)) folders.get(part).push(key);
    else folders.set(part, [key]);
  }
  const rows = [];
  for (const [name, inside] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (inside.length === 1) leaves.push(inside[0]);
    else rows.push(...folder(name, inside, depth, `${prefix}${name}\u0000`));
  }
  return [
    ...rows,
    ...leaves
      .sort((a, b) => (a.id < b.id ? -1 : 1))
      .map((key) => ({ key, depth, text: key.parts.slice(depth).join(key.joint) })),
  ];
}

function folder(name, inside, depth, path) {
  const head = { path, name, depth, count: inside.length };
  return open.has(path) ? [head, ...branch(inside, depth + 1, path)] : [head];
}

function rowsOf() {
  const letters = delimiters();
  if (scan.rows && scan.letters === letters) return scan.rows;
  for (const key of scan.keys) {
    key.joint = letters[0] || ":";
    key.parts = typeof key.key === "string" && letters ? splitBy(key.key, letters) : [nameOf(key.key)];
  }
  scan.letters = letters;
  scan.rows = branch(scan.keys, 0, "");
  return scan.rows;
}

const splitBy = (text, letters) => text.split(new RegExp(`[${letters.replace(/[\]\\^-]/g, "\\$&")}]`));
const nameOf = (key) => (typeof key === "object" ? `base64:${key.b64}` : key);

function toggleFolder(path) {
  if (open.has(path)) open.delete(path);
  else open.add(path);
  scan.rows = null;
  changed();
}

function tree() {
  const rows = rowsOf();
  return h(
    "div",
    { key: "tree", class: "tree-side" },
    windowed("keys", {
      count: rows.length,
      rowHeight: SIDE + 6,
      label: "Keys",
      class: "tree",
      row: (i) => treeRow(rows[i]),
    }),
    h(
      "p",
      { class: "dim row", role: "status" },
      sayCount(),
      scan.isBusy || scan.isDone || scan.cursor === "0"
        ? null
        : button(
            "Load more",
            () => {
              scan.limit = scan.keys.length + ENOUGH;
              more();
            },
            { class: "small" },
          ),
    ),
  );
}

function sayCount() {
  if (scan.isBusy) return `Looking… ${count(scan.keys.length)} so far`;
  return `${plural(scan.keys.length, "key")} of ${count(scan.total)}${scan.isDone ? "" : ", not all were looked at"}`;
}

function treeRow(row) {
  const indent = { "padding-left": `${0.5 + row.depth}rem` };
  if (row.path) {
    const isOpen = open.has(row.path);
    return h(
      "button",
      {
        key: row.path,
        type: "button",
        class: "bare tree-row",
        style: indent,
        "aria-expanded": String(isOpen),
        onclick: () => toggleFolder(row.path),
      },
      h("span", { "aria-hidden": "true", class: "dim" }, isOpen ? "▾" : "▸"),
      h("span", { class: "cut" }, visible(row.name) || "(nothing)"),
      h("span", { class: "dim num end" }, count(row.count)),
    );
  }
  const { key } = row;
  return h(
    "button",
    {
      key: key.id,
      type: "button",
      class: "bare tree-row",
      style: indent,
      "aria-current": param("key") === key.id ? "true" : undefined,
      title: visible(nameOf(key.key)),
      onclick: () => setParams({ key: key.id }),
    },
    h("span", { class: `type k-${key.type}` }, key.type),
    h("span", { class: "cut" }, visible(row.text) || "(empty)"),
    h("span", { class: "dim num end" }, sizes(key)),
  );
}

function sizes({ ttlMs, bytes: size }) {
  const parts = [];
  if (ttlMs > 0) parts.push(duration(ttlMs));
  if (size !== undefined) parts.push(bytes(size));
  return parts.join(" · ");
}

// ---- tools ----

function tools() {
  return h(
    "div",
    { key: "tools", class: "tools", role: "search" },
    h("input", {
      id: "filter",
      type: "search",
      "aria-label": "Find keys",
      placeholder: "Word or glob: user:*",
      value: param("match"),
      oninput: (event) => setParams({ match: event.target.value }),
    }),
    h(
      "select",
      { "aria-label": "Type", value: param("type"), onchange: (event) => setParams({ type: event.target.value }) },
      TYPES.map((type) => h("option", { value: type }, type || "Any type")),
    ),
    h(
      "label",
      { class: "row" },
      "Database",
      h("input", {
        class: "narrow",
        type: "number",
        min: "0",
        value: param("db", "0"),
        onchange: (event) => setParams({ db: event.target.value === "0" ? "" : event.target.value, key: "" }),
      }),
    ),
    h(
      "label",
      { class: "row" },
      "Split at",
      h("input", {
        class: "narrow",
        value: delimiters(),
        maxlength: "5",
        oninput: (event) => {
          scan.rows = null;
          remember("delimiters", event.target.value);
        },
      }),
    ),
  );
}

// ---- the chosen one ----

async function load(server, db, id, more) {
  const own = more ? shown : { id: `${server} ${db} ${id}` };
  shown = own;
  try {
    const page = await get(keyUrl(server, id, more));
    if (more) append(own, page);
    else own.data = page;
  } catch (error) {
    own.problem = error;
  }
  changed();
}

function append(own, page) {
  const { data } = own;
  if (Array.isArray(data.value)) data.value = data.value.concat(page.value);
  else if (data.value) data.value = { ...data.value, data: joined(data.value.data, page.value.data) };
  Object.assign(data, { cursor: page.cursor, offset: page.offset });
}

const joined = (a, b) => (typeof a === "string" && typeof b === "string" ? a + b : { b64: btoa(raw(a) + raw(b)) });
const raw = (data) => (typeof data === "object" ? atob(data.b64) : unescape(encodeURIComponent(data)));

function nextOf({ cursor, offset }) {
  if (cursor !== undefined && cursor !== "0") return { cursor };
  return offset === undefined ? null : { offset };
}

function chosen(server, id) {
  const { data } = shown;
  const next = data && nextOf(data);
  return h(
    "section",
    { key: `value ${id}`, class: "card value-side", "aria-label": "Value" },
    h(
      "header",
      { class: "row" },
      h("h2", { class: "mono" }, visible(id.replace(/^text:/, ""))),
      h(
        "span",
        { class: "end row" },
        id.startsWith("text:")
          ? h("a", { class: "button small", href: address("traces", "", { q: id.slice(5) }) }, "Traces of it")
          : null,
        access.isAllowed && data ? button("Delete", () => removeKey(server, id), { class: "small" }) : null,
        button("Close", () => setParams({ key: "" }), { class: "small" }),
      ),
    ),
    problem(shown.problem),
    data ? drawValue(data, `/api/v1${keyUrl(server, id, { download: "1" })}`) : null,
    next ? button("Load more", () => load(server, param("db", "0"), id, next), { class: "small" }) : null,
  );
}

let isSure = false;

// Asked once: whoever deletes ten keys has understood.
async function removeKey(server, id) {
  const text = "It is gone then; a snapshot made before brings it back.";
  if (!isSure && !(await confirm({ title: "Delete this key?", text, yes: "Delete" }))) return;
  isSure = true;
  try {
    await remove(keyUrl(server, id), { write: true });
    say(`Deleted ${visible(id.replace(/^text:/, ""))}`);
    scan = { ...scan, keys: scan.keys.filter((key) => key.id !== id), rows: null };
    setParams({ key: "" });
  } catch (error) {
    say(`Could not delete it: ${error.message}`, "bad", error.hint);
  }
}
