// Who uses the machine: processor and memory of everybody together, and of each, the hungriest first.
import { lineChart, spark } from "./chart.js";
import { h } from "./dom.js";
import { address, param, setParams } from "./route.js";
import { derived, latest, store } from "./store.js";
import { bytes, count, percent, visible } from "./text.js";
import { empty } from "./ui.js";
import { windowed } from "./windowed.js";

const COLUMNS = [
  ["name", "Resource"],
  ["cpu", "CPU"],
  ["memory", "Memory"],
  ["processes", "Processes"],
];

export const title = () => "Stats";
export const topics = () => ["stats"];

export function draw() {
  const by = param("by", "memory");
  const rows = derived(`stats ${by}`, () => sorted(by));
  return [
    h("h1", { key: "h" }, "Stats"),
    rows.length === 0
      ? empty("Nothing measured yet.", "The first figures come two seconds after this page was opened.")
      : [totals(), grid(rows, by)],
  ];
}

function sorted(by) {
  const rows = [...store.stats.keys()]
    .map((name) => ({ name, ...latest(name) }))
    .filter((row) => row.cpu !== undefined);
  if (by === "name") return rows.sort((a, b) => (a.name < b.name ? -1 : 1));
  return rows.sort((a, b) => b[by] - a[by] || (a.name < b.name ? -1 : 1));
}

// Replicas' head and the replicas themselves are all there is: everybody counts once.
function totals() {
  const rows = derived("totals", sums);
  return h(
    "div",
    { key: "totals", class: "columns two" },
    h("div", { class: "card" }, lineChart("CPU of all", [{ name: "now", rows, column: 1 }], percent)),
    h("div", { class: "card" }, lineChart("Memory of all", [{ name: "now", rows, column: 2 }], bytes)),
  );
}

function sums() {
  const found = new Map();
  for (const rows of store.stats.values()) {
    for (const [time, cpu, memory] of rows) {
      const sum = found.get(time) || [time, 0, 0];
      sum[1] += cpu;
      sum[2] += memory;
      found.set(time, sum);
    }
  }
  return [...found.values()].sort((a, b) => a[0] - b[0]);
}

function grid(rows, by) {
  return windowed("stats", {
    count: rows.length,
    rowHeight: 34,
    role: "table",
    label: "Usage of each resource",
    class: "grid stats",
    rowCount: rows.length + 1,
    colCount: COLUMNS.length,
    head: h(
      "div",
      { class: "row head", role: "row", "aria-rowindex": 1 },
      COLUMNS.map(([id, text]) =>
        h(
          "span",
          { key: id, role: "columnheader", "aria-sort": id === by ? "descending" : "none" },
          h(
            "button",
            { type: "button", class: "bare", onclick: () => setParams({ by: id }) },
            text,
            id === by ? " ▾" : "",
          ),
        ),
      ),
    ),
    row: (i) => row(rows[i], i),
  });
}

function row({ name, cpu, memory, processes }, i) {
  const ring = store.stats.get(name);
  const cell = (...content) => h("span", { class: "cell", role: "cell" }, content);
  return h(
    "div",
    { key: name, class: "row", role: "row", "aria-rowindex": i + 2 },
    cell(h("a", { href: address("resources", name) }, visible(name))),
    cell(spark(ring, 1, `CPU of ${name}`), percent(cpu)),
    cell(spark(ring, 2, `memory of ${name}`), bytes(memory)),
    cell(count(processes)),
  );
}
