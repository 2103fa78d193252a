// Where the time of a start went: a row a resource, its states one after the other, and the way that decided the end.
import { h } from "./dom.js";
import { address, param, setParams } from "./route.js";
import { derived, store } from "./store.js";
import { clock, duration, plural, visible } from "./text.js";
import { criticalPath, mainStart, starts, timelines } from "./timeline.js";
import { empty, table, toggle } from "./ui.js";
import { windowed } from "./windowed.js";

const ROW = 30;

export const title = () => "Start-up";

export function draw() {
  const own = derived("starts", () => starts(timelines(store.transitions, Date.now())));
  const before = derived("earlier starts", () => starts(timelines(store.earlier, Date.now())));
  const all = own.concat(before);
  const chosen = all.find((start) => String(Math.round(start.begin)) === param("start")) || mainStart(all);
  return [
    h(
      "header",
      { key: "heading", class: "heading" },
      h("h1", {}, "Start-up"),
      chosen
        ? h(
            "span",
            { class: "end row" },
            chooser(all, chosen),
            toggle("As a table", param("table"), (on) => setParams({ table: on ? "1" : "" })),
          )
        : null,
    ),
    chosen
      ? chart(chosen.rows, beside(chosen, own, before))
      : empty("Nothing has been started yet that this page knows of."),
  ];
}

// What a start is held beside: of the same session the one before it that was as large, else the last session's.
function beside(chosen, own, before) {
  const older = own.slice(own.indexOf(chosen) + 1).concat(before);
  const wanted = own.includes(chosen) ? older : before.slice(before.indexOf(chosen) + 1);
  const found = wanted.find((start) => start.rows.length * 2 > chosen.rows.length);
  return new Map(found?.rows.map((row) => [row.name, row.end - row.begin]));
}

const chooser = (all, chosen) =>
  h(
    "select",
    {
      "aria-label": "Which start",
      value: String(Math.round(chosen.begin)),
      onchange: (event) => setParams({ start: event.target.value }),
    },
    all.map((start) => h("option", { key: start.begin, value: String(Math.round(start.begin)) }, sayStart(start))),
  );

function sayStart({ begin, end, rows }) {
  const who = rows.length === 1 ? visible(rows[0].name) : plural(rows.length, "resource");
  return `${clock(begin)}: ${who}, ${duration(end - begin)}`;
}

function chart(rows, last) {
  const begin = Math.min(...rows.map((row) => row.begin));
  const end = Math.max(...rows.map((row) => row.end), begin + 1);
  const path = criticalPath(rows, store.edges);
  const scale = { begin, span: end - begin };
  return [
    h(
      "p",
      { key: "sum" },
      `${plural(rows.length, "resource")}, ${duration(end - begin)}, begun at ${clock(begin)}. `,
      path.length > 1
        ? [
            "The end was decided by ",
            path.map((name, i) => [i ? " → " : "", h("a", { href: address("resources", name) }, visible(name))]),
            ".",
          ]
        : null,
    ),
    legend(),
    param("table")
      ? asTable(rows, scale, last)
      : windowed("startup", {
          count: rows.length,
          rowHeight: ROW,
          label: "Start-up of each resource",
          class: "waterfall",
          head: h("div", { class: "row head" }, h("span", { class: "w-name" }, "Resource"), ruler(scale)),
          row: (i) => bar(rows[i], scale, { path, last }),
        }),
  ];
}

const STATES = ["waiting", "pulling", "creating", "starting", "running", "restarting"];
const SAID = { running: "running, not ready yet" };

const legend = () =>
  h(
    "p",
    { key: "legend", class: "legend" },
    STATES.map((state) =>
      h(
        "span",
        { key: state },
        h("span", { class: `swatch b-${state}`, "aria-hidden": "true" }),
        SAID[state] || state,
      ),
    ),
    h("span", {}, h("span", { class: "swatch b-critical", "aria-hidden": "true" }), "decided the end"),
  );

function ruler({ span }) {
  return h(
    "span",
    { class: "w-bars ruler" },
    [0, 0.25, 0.5, 0.75].map((part) =>
      h("span", { style: { left: `${part * 100}%` } }, part ? duration(span * part) : "0"),
    ),
  );
}

const wasText = (ms) => (ms === undefined ? "" : `, was ${duration(ms)}`);

function bar(row, { begin, span }, { path, last }) {
  const was = wasText(last.get(row.name));
  const place = (from, to) => ({
    left: `${((from - begin) / span) * 100}%`,
    width: `max(2px, ${((to - from) / span) * 100}%)`,
  });
  const words = row.segments
    .map((segment) => `${segment.state} ${duration(segment.end - segment.begin)}`)
    .join(", ");
  return h(
    "div",
    { key: row.name, class: `row ${path.includes(row.name) ? "critical" : ""}` },
    h("a", { class: "w-name", href: address("resources", row.name), title: row.name }, visible(row.name)),
    h(
      "span",
      { class: "w-bars", role: "img", "aria-label": `${words}; ${row.outcome}${was}`, title: words },
      row.segments.map((segment) =>
        h("span", { class: `bar b-${segment.state}`, style: place(segment.begin, segment.end) }),
      ),
      h(
        "span",
        {
          class: `w-end ${row.outcome === "failed" ? "t-bad" : ""}`,
          style: { left: `${((row.end - begin) / span) * 100}%` },
        },
        `${duration(row.end - row.begin)}${row.outcome === "failed" ? ", failed" : ""}${was}`,
      ),
    ),
  );
}

function asTable(rows, { begin }, last) {
  return table(
    "Start-up of each resource",
    ["Resource", "Asked for at", ...STATES, "In all", "Last time", "Outcome"],
    rows.map((row) =>
      h(
        "tr",
        { key: row.name },
        h("th", { scope: "row" }, visible(row.name)),
        h("td", {}, `+${duration(row.begin - begin)}`),
        STATES.map((state) => h("td", {}, timeIn(row, state))),
        h("td", {}, duration(row.end - row.begin)),
        h("td", {}, last.has(row.name) ? duration(last.get(row.name)) : ""),
        h("td", {}, row.outcome),
      ),
    ),
  );
}

function timeIn(row, state) {
  const ms = row.segments
    .filter((segment) => segment.state === state)
    .reduce((sum, segment) => sum + segment.end - segment.begin, 0);
  return ms ? duration(ms) : "";
}
