// All resources: what failed and why first, then everybody, one row each.
import { actionButtons } from "./actions.js";
import { spark } from "./chart.js";
import { h, link } from "./dom.js";
import { changed } from "./frame.js";
import { tailOf } from "./lines.js";
import { logLine } from "./page-logs.js";
import { address, go, names, param, setParams } from "./route.js";
import * as from from "./store.js";
import { age, bytes, dateTime, percent, plural, visible } from "./text.js";
import { copyButton, empty, isNarrow, reason, state, table } from "./ui.js";
import { listState, reveal, windowed } from "./windowed.js";

const MOST_FAILURES = 3;
let selected = "";

export const title = () => "Resources";
export const topics = () => ["stats"];

export function draw() {
  const rows = filtered();
  return [
    h("h1", { class: "unseen" }, "Resources"),
    failures(),
    toolbar(rows),
    param("plain") ? plainTable(rows) : grid(rows),
  ];
}

// ---- failures ----

function failures() {
  const failed = from.ordered().filter(from.isFailed);
  if (failed.length === 0) return null;
  const shown = failed.slice(0, MOST_FAILURES);
  return h(
    "div",
    { key: "failures", class: "failures" },
    shown.map(failure),
    failed.length > shown.length
      ? h(
          "p",
          { class: "dim" },
          `and ${plural(failed.length - shown.length, "more failure")}: `,
          h("a", { href: address("resources", "", { state: "bad" }) }, "show them all"),
        )
      : null,
  );
}

function failure(resource) {
  const { name, error } = resource;
  const lines = tailOf(name, `${resource.state}${resource.restarts}${resource.readyAt}`, 6);
  return h(
    "section",
    { key: name, class: "card failure", "aria-label": `${name} failed` },
    h(
      "header",
      {},
      h("h2", {}, h("a", { href: address("resources", name) }, visible(name))),
      state(resource),
      actionButtons(resource),
    ),
    h("p", { class: "t-bad" }, visible(error?.message || from.why(resource) || "It failed.")),
    error?.hint ? h("p", {}, visible(error.hint)) : null,
    error?.file ? h("p", { class: "dim mono" }, sourceOf(error)) : null,
    lines.length
      ? h(
          "div",
          { class: "tail", role: "group", "aria-label": `Last lines of ${name}` },
          lines.map((line) => logLine(line, { isAlone: true })),
        )
      : null,
    h("p", {}, h("a", { href: address("logs", "", { r: names([name]) }) }, "All its logs")),
  );
}

export const sourceOf = ({ file, line, column }) => [file, line, column].filter(Boolean).join(":");

// ---- filter ----

const STATES = [
  ["", "Any state"],
  ["bad", "Failed"],
  ["busy", "Under way"],
  ["warn", "Unhealthy"],
  ["good", "Ready"],
  ["idle", "Not running"],
];

function toolbar(rows) {
  const kinds = [...new Set([...from.store.resources.values()].map((resource) => resource.kind))]
    .filter(Boolean)
    .sort();
  return h(
    "div",
    { key: "tools", class: "tools", role: "search" },
    h("input", {
      id: "filter",
      type: "search",
      placeholder: "Filter by name",
      "aria-label": "Filter by name",
      value: param("q"),
      oninput: (event) => setParams({ q: event.target.value }),
      onkeydown: keysOfFilter,
    }),
    h(
      "select",
      {
        "aria-label": "State",
        value: param("state"),
        onchange: (event) => setParams({ state: event.target.value }),
      },
      STATES.map(([value, text]) => h("option", { value }, text)),
    ),
    h(
      "select",
      { "aria-label": "Kind", value: param("kind"), onchange: (event) => setParams({ kind: event.target.value }) },
      h("option", { value: "" }, "Any kind"),
      kinds.map((kind) => h("option", { value: kind }, kind)),
    ),
    h("span", { class: "dim", role: "status" }, said(rows.length)),
    h(
      "a",
      {
        class: "dim end",
        href: address("resources", "", { ...currentFilter(), plain: param("plain") ? "" : "1" }),
      },
      param("plain") ? "Scrolling list" : "Plain list",
    ),
  );
}

const currentFilter = () => ({ q: param("q"), state: param("state"), kind: param("kind") });

function said(shown) {
  const { all } = from.counts();
  return shown === all ? plural(all, "resource") : `${shown} of ${plural(all, "resource")}`;
}

function filtered() {
  const text = param("q").toLowerCase();
  const wanted = param("state");
  const kind = param("kind");
  return from.derived(`rows ${text} ${wanted} ${kind}`, () =>
    from
      .ordered()
      .filter(
        (resource) =>
          (!text || resource.name.toLowerCase().includes(text)) &&
          (!wanted || from.tone(resource) === wanted) &&
          (!kind || resource.kind === kind),
      ),
  );
}

function keysOfFilter(event) {
  if (event.key !== "ArrowDown" && event.key !== "Enter") return;
  event.preventDefault();
  document.querySelector(".grid")?.focus();
}

// ---- rows ----

const HEADS = ["State", "Name", "Where, or why not", "CPU", "Memory", "Restarts", "Since", "Actions"];

function grid(rows) {
  if (rows.length === 0) return none();
  const at = Math.max(
    0,
    rows.findIndex((resource) => resource.name === selected),
  );
  return windowed("resources", {
    count: rows.length,
    rowHeight: isNarrow() ? 64 : 42,
    role: "grid",
    label: "Resources",
    class: from.store.absent.has("stats") ? "grid resources no-stats" : "grid resources",
    rowCount: rows.length + 1,
    colCount: HEADS.length,
    onkeydown: (event) => keysOfGrid(event, rows, at),
    head: h(
      "div",
      { class: "row head", role: "row", "aria-rowindex": 1 },
      HEADS.map((head) => h("span", { role: "columnheader" }, head)),
    ),
    row: (i) => row(rows[i], i, rows[i].name === selected),
  });
}

function none() {
  if (from.store.resources.size > 0) return empty("No resource matches.", "Clear the filter to see all.");
  if (from.store.view) return empty("This project has no resources.");
  return empty("Nothing is known yet.");
}

function row(resource, i, isSelected) {
  const { name } = resource;
  const usage = from.latest(name);
  const tab = isSelected ? "0" : "-1";
  const cell = (kind, ...content) => h("span", { class: `cell ${kind}`, role: "gridcell" }, content);
  return h(
    "div",
    {
      key: name,
      class: `row ${isSelected ? "selected" : ""} r-${from.tone(resource)}`,
      role: "row",
      "aria-rowindex": i + 2,
      "aria-selected": String(isSelected),
      onclick: () => select(name),
    },
    cell("c-state", state(resource)),
    cell(
      "c-name",
      h("a", { href: address("resources", name), tabindex: tab, title: name }, visible(name)),
      h("span", { class: "dim kind" }, resource.kind === "process" && resource.task ? "task" : resource.kind),
    ),
    cell("c-what", what(resource, tab)),
    cell("c-cpu num", usage ? percent(usage.cpu) : ""),
    cell(
      "c-memory num",
      spark(from.store.stats.get(name), 2, `memory of ${name}`),
      usage ? bytes(usage.memory) : "",
    ),
    cell("c-restarts num", resource.restarts ? String(resource.restarts) : ""),
    cell("c-since num", since(resource)),
    cell("c-actions", actionButtons(resource, { tabindex: tab })),
  );
}

function since(resource) {
  if (!resource.startedAt) return "";
  return h("time", { title: `since ${dateTime(resource.startedAt)}` }, age(Date.now() - resource.startedAt));
}

function what(resource, tab) {
  const text = reason(resource);
  if (text) return text;
  const where = from.endpointOf(resource);
  if (!where) return null;
  const web = resource.ports?.find((port) => /^https?$/.test(port.scheme));
  const shown = web ? link(from.addressOf(web), from.addressOf(web)) : h("span", { class: "mono" }, visible(where));
  return [shown, copyButton(web ? from.addressOf(web) : where, `address of ${resource.name}`, { tabindex: tab })];
}

function select(name) {
  selected = name;
  changed();
}

function keysOfGrid(event, rows, at) {
  if (event.target !== event.currentTarget && event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const page = Math.max(1, Math.floor(listState("resources").height / listState("resources").rowHeight) - 2);
  const steps = {
    ArrowDown: 1,
    ArrowUp: -1,
    PageDown: page,
    PageUp: -page,
    Home: -rows.length,
    End: rows.length,
    j: 1,
    k: -1,
  };
  if (event.key === "Enter") return go("resources", rows[at].name);
  if (!(event.key in steps)) return undefined;
  event.preventDefault();
  event.stopPropagation();
  const isFirst = !rows.some((resource) => resource.name === selected);
  const next = isFirst ? 0 : Math.min(rows.length - 1, Math.max(0, at + steps[event.key]));
  select(rows[next].name);
  return reveal("resources", next);
}

// For those who want it all at once: printing, searching with the browser, some screen readers.
function plainTable(rows) {
  return table(
    "Resources",
    ["Name", "Kind", "State", "Why", "Where", "Restarts", ""],
    rows.map((resource) =>
      h(
        "tr",
        { key: resource.name },
        h("th", { scope: "row" }, h("a", { href: address("resources", resource.name) }, visible(resource.name))),
        h("td", {}, resource.kind),
        h("td", {}, state(resource)),
        h("td", {}, reason(resource)),
        h("td", { class: "mono" }, visible(from.endpointOf(resource))),
        h("td", {}, resource.restarts || ""),
        h("td", {}, actionButtons(resource)),
      ),
    ),
  );
}
