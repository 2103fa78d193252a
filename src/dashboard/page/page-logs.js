// Logs of one, some or all resources in one list, in the order of their times.
import { pieces, plain } from "./ansi.js";
import { h } from "./dom.js";
import { changed } from "./frame.js";
import { actionButtons } from "./actions.js";
import { clear, close, downloadUrl, hasOlder, logs, older, open, setFilter } from "./lines.js";
import { address, list, names, param, setParams } from "./route.js";
import { byName, derived, store } from "./store.js";
import { clock, count, dateTime, plural, visible } from "./text.js";
import { button, copy, problem, remember, remembered, state, toggle } from "./ui.js";
import { listState, setFollowing, windowed } from "./windowed.js";

const ROW = 18;
const HUES = 8;
const SAY_EVERY_MS = 5_000;
const COPY_MOST = 20_000;
let opened = null;

export const title = () => (list("r").length ? `Logs of ${list("r").join(", ")}` : "Logs");

export function enter() {
  listState("logs").isFollowing = !param("since");
}

// Whoever selects text wants it to stay.
document.addEventListener("selectionchange", () => {
  const selection = getSelection();
  if (!selection.isCollapsed && selection.anchorNode?.parentElement?.closest(".log")) setFollowing("logs", false);
});

export function leave() {
  close();
  opened = null;
}

export function draw() {
  if (open(list("r"), param("since") ? { since: param("since") } : {})) enter();
  setFilter({
    text: param("q"),
    isRegex: Boolean(param("regex")),
    isMarking: param("mode") === "mark",
    isStderr: Boolean(param("err")),
  });
  const { isFollowing: isFlowing } = listState("logs");
  return [
    h("h1", { class: "unseen" }, "Logs"),
    tools(),
    notes(),
    windowed("logs", {
      count: logs.shown.length,
      rowHeight: ROW,
      follows: true,
      onTop: older,
      label: "Log lines",
      class: `log ${timesClass()}`,
      style: { "--who": `${widest()}ch` },
      row: (i) =>
        logLine(logs.shown[i], { pattern: logs.filter?.pattern, isAlone: logs.resources.length === 1, isFlowing }),
      onclick: (event) => openLine(event.target.closest(".line")?.vnode.props._line),
    }),
    opened ? whole(opened) : null,
    announce(),
  ];
}

const WIDEST = 20;

// As wide as the longest name, so that lines begin where names end.
const widest = () =>
  derived("widest", () => Math.min(WIDEST, Math.max(4, ...[...store.resources.keys()].map((name) => name.length))));

const timesClass = () => (remembered("times", "1") === "1" ? "with-times" : "");

// ---- a line ----

// isFlowing: every line is another one in the next frame, so elements are used again instead of kept with their line.
export function logLine(line, { pattern, isAlone, isFlowing } = {}) {
  const key = isFlowing ? undefined : line.id;
  return h(
    "div",
    { key, class: `line${line.stream === 2 ? " err" : ""}`, _line: line },
    h("span", { class: "at" }, clock(line.time, true)),
    isAlone
      ? null
      : h("span", { class: `who w${hue(line.resource)}`, title: line.resource }, visible(line.resource)),
    h("span", { class: "stream" }, line.stream === 2 ? "E" : " "),
    h("span", { class: "text" }, marked(pieces(line.text), pattern)),
  );
}

const hues = new Map();

// The same colour for the same name, in every tab and at every start.
function hue(name) {
  if (!hues.has(name)) {
    let sum = 7;
    for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 65_521;
    hues.set(name, sum % HUES);
  }
  return hues.get(name);
}

// Matches may begin in one colour and end in another.
function marked(found, pattern) {
  const whole = found.map((piece) => piece.text).join("");
  const ranges = pattern ? rangesOf(whole, pattern) : [];
  const parts = [];
  let offset = 0;
  for (const piece of found) {
    for (const [text, isMarked] of cut(piece.text, offset, ranges)) parts.push(part(piece, text, isMarked));
    offset += piece.text.length;
  }
  return parts;
}

function part(piece, text, isMarked) {
  if (isMarked) return h("mark", {}, shown(text));
  if (!piece.classes) return shown(text);
  return h("span", { class: piece.classes, style: piece.style }, shown(text));
}

// Tabs stay; what would turn the line around does not.
const shown = (text) => text.split("\t").map(visible).join("\t");

const MOST_MARKS = 50;

function rangesOf(text, pattern) {
  const ranges = [];
  for (const match of text.matchAll(pattern)) {
    if (match[0].length === 0 || ranges.length >= MOST_MARKS) break;
    ranges.push([match.index, match.index + match[0].length]);
  }
  return ranges;
}

function cut(text, offset, ranges) {
  const parts = [];
  let at = 0;
  for (const [from, to] of ranges) {
    const first = Math.max(at, from - offset);
    const last = Math.min(text.length, to - offset);
    if (last <= first) continue;
    if (first > at) parts.push([text.slice(at, first), false]);
    parts.push([text.slice(first, last), true]);
    at = last;
  }
  if (at < text.length) parts.push([text.slice(at), false]);
  return parts;
}

// ---- tools ----

function tools() {
  const isFollowing = listState("logs").isFollowing;
  return h(
    "div",
    { key: "tools", class: "tools" },
    chooser(),
    h("input", {
      id: "filter",
      type: "search",
      placeholder: "Find in lines",
      "aria-label": "Find in lines",
      value: param("q"),
      oninput: (event) => setParams({ q: event.target.value }),
    }),
    toggle(".*", param("regex"), (on) => setParams({ regex: on ? "1" : "" }), {
      title: "Regular expression",
      "aria-label": "Regular expression",
    }),
    toggle("Mark only", param("mode") === "mark", (on) => setParams({ mode: on ? "mark" : "" }), {
      title: "Mark matches instead of hiding the rest",
    }),
    toggle("Errors", param("err"), (on) => setParams({ err: on ? "1" : "" }), {
      title: "Only what was written to standard error",
    }),
    toggle("Times", remembered("times", "1") === "1", (on) => remember("times", on ? "1" : "0")),
    toggle(isFollowing ? "Following" : "Follow", isFollowing, (on) => setFollowing("logs", on), {
      id: "follow",
      title: "Stay at the newest line (End)",
    }),
    button("Copy", copyShown, { title: "Copy the lines that are shown" }),
    button("Clear", clear, { title: "Only here: files keep them" }),
    h("a", { class: "button", href: downloadUrl(logs.resources), download: "logs.txt" }, "Download"),
  );
}

function copyShown() {
  const lines = logs.shown.slice(-COPY_MOST);
  const isAlone = logs.resources.length === 1;
  const text = lines
    .map((line) => `${dateTime(line.time)} ${isAlone ? "" : `${line.resource}  `}${plain(line.text)}`)
    .join("\n");
  copy(text, plural(lines.length, "line"));
}

function chooser() {
  const chosen = logs.resources;
  const label = chosen.length === 0 ? "All resources" : chosen.map(visible).join(", ");
  return h(
    "details",
    {
      key: "who",
      class: "menu",
      onkeydown: (event) => {
        if (event.key !== "Escape" || !event.currentTarget.open) return;
        event.stopPropagation();
        event.currentTarget.open = false;
        event.currentTarget.firstChild.focus();
      },
    },
    h("summary", { class: "button", title: label }, h("span", { class: "cut" }, label)),
    h(
      "div",
      { class: "menu-body" },
      h(
        "label",
        {},
        h("input", { type: "checkbox", checked: chosen.length === 0, onchange: () => setParams({ r: "" }) }),
        "All resources",
      ),
      [...store.resources.values()].sort(byName).map((resource) =>
        h(
          "label",
          { key: resource.name },
          h("input", {
            type: "checkbox",
            checked: chosen.includes(resource.name),
            onchange: () => choose(resource.name),
          }),
          h("span", { class: `who w${hue(resource.name)}` }, visible(resource.name)),
        ),
      ),
    ),
  );
}

function choose(name) {
  const chosen = logs.resources.includes(name)
    ? logs.resources.filter((one) => one !== name)
    : [...logs.resources, name];
  setParams({ r: names(chosen) });
}

function notes() {
  const alone = logs.resources.length === 1 && store.resources.get(logs.resources[0]);
  return h(
    "div",
    { key: "notes", class: "notes" },
    alone
      ? [
          state(alone),
          h("a", { href: address("resources", alone.name) }, visible(alone.name)),
          actionButtons(alone),
        ]
      : null,
    problem(logs.problem),
    logs.filterProblem ? h("span", { class: "t-bad", role: "alert" }, logs.filterProblem) : null,
    h("span", { class: "dim" }, sayCount()),
    hasOlder() ? button("Older lines", older, { class: "small", disabled: logs.isLoading }) : null,
  );
}

function sayCount() {
  if (logs.isLoading && logs.lines.length === 0) return "Loading…";
  const all = plural(logs.lines.length, "line");
  const text = logs.shown === logs.lines ? all : `${count(logs.shown.length)} of ${all}`;
  if (logs.isLoading) return `${text}, loading older ones…`;
  return hasOlder() || !logs.dropped ? text : `${text}; all of them: Download`;
}

// ---- one line, whole ----

function openLine(line) {
  if (!line || String(getSelection())) return;
  opened = opened === line ? null : line;
  changed();
}

export const escape = () => {
  if (!opened) return false;
  opened = null;
  changed();
  return true;
};

function whole(line) {
  return h(
    "section",
    { key: "whole", class: "card whole", "aria-label": "The line" },
    h(
      "header",
      {},
      h("strong", {}, visible(line.resource)),
      h("span", { class: "dim" }, dateTime(line.time)),
      line.stream === 2 ? h("span", { class: "dim" }, "standard error") : null,
      button("Copy", () => copy(plain(line.text), "the line"), { class: "small end" }),
      button("Close", () => openLine(line), { class: "small" }),
    ),
    h("pre", { tabindex: "0" }, pretty(plain(line.text))),
  );
}

function pretty(text) {
  const at = text.indexOf("{");
  if (at < 0) return shown(text);
  try {
    return `${text.slice(0, at)}${JSON.stringify(JSON.parse(text.slice(at)), null, 2)}`
      .split("\n")
      .map(shown)
      .join("\n");
  } catch {
    return shown(text);
  }
}

// ---- what a screen reader hears: how many, and not too often ----

let saidAt = 0;
let saidCount = 0;
let said = "";

function announce() {
  const now = Date.now();
  if (now - saidAt > SAY_EVERY_MS) {
    const news = logs.arrived - saidCount;
    said = news > 0 ? plural(news, "new line") : said;
    saidAt = now;
    saidCount = logs.arrived;
  }
  return h("p", { key: "said", class: "unseen", role: "status" }, said);
}
