// Lines over time, small and large. Drawn as SVG so that they follow the theme; each large one has its table.
import { h } from "./dom.js";
import { clock } from "./text.js";

// rows: [[timeMs, …]]; column: which of them. from/to in milliseconds.
function points(rows, column, { from, to, most, width, height }) {
  const span = Math.max(1, to - from);
  return rows
    .filter((row) => row[0] >= from)
    .map((row) => {
      const x = ((row[0] - from) / span) * width;
      const y = height - 1 - (Math.min(row[column], most) / most) * (height - 2);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

const largest = (rows, column) => rows.reduce((most, row) => Math.max(most, row[column] || 0), 0);

export function spark(rows, column, label) {
  if (!rows || rows.length < 2) return null;
  const recent = rows.slice(-60);
  const size = {
    from: recent[0][0],
    to: recent.at(-1)[0],
    most: largest(recent, column) * 1.3 || 1,
    width: 64,
    height: 18,
  };
  return h(
    "svg",
    { class: "spark", viewBox: "0 0 64 18", width: "64", height: "18", role: "img", "aria-label": label },
    h("polyline", { points: points(recent, column, size) }),
  );
}

// series: [{ name, rows, column }]; say turns a value into text.
export function lineChart(title, series, say) {
  const all = series.flatMap((one) => one.rows);
  if (all.length < 2) return h("p", { class: "empty" }, "Nothing measured yet.");
  const from = Math.min(...series.map((one) => one.rows[0]?.[0] ?? Infinity));
  const to = Math.max(...series.map((one) => one.rows.at(-1)?.[0] ?? 0));
  const most = niceTop(Math.max(...series.map((one) => largest(one.rows, one.column))));
  const size = { from, to, most, width: 560, height: 120 };
  const latest = series.map((one) => `${one.name} ${say(one.rows.at(-1)?.[one.column])}`).join(", ");
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("strong", {}, title), h("span", { class: "dim" }, latest)),
    h(
      "svg",
      { viewBox: "0 0 560 120", preserveAspectRatio: "none", role: "img", "aria-label": `${title}: ${latest}` },
      [0.25, 0.5, 0.75].map((part) => h("line", { class: "grid", x1: 0, x2: 560, y1: 120 * part, y2: 120 * part })),
      series.map((one, i) => h("polyline", { class: `line c${i}`, points: points(one.rows, one.column, size) })),
    ),
    h(
      "div",
      { class: "axis" },
      h("span", {}, clock(from)),
      h("span", {}, `up to ${say(most)}`),
      h("span", {}, clock(to)),
    ),
    asTable(title, series, say),
  );
}

// One, two or five of the power of ten that holds the largest value.
function niceTop(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= value);
}

const ROWS = 15;

function asTable(title, series, say) {
  const rows = series[0].rows.slice(-ROWS).reverse();
  return h(
    "details",
    { class: "as-table" },
    h("summary", {}, "As a table"),
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("th", { scope: "col" }, "Time"),
          series.map((one) => h("th", { scope: "col" }, one.name)),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            { key: row[0] },
            h("td", {}, clock(row[0])),
            series.map((one) => h("td", {}, say(valueAt(one, row[0])))),
          ),
        ),
      ),
    ),
  );
}

const valueAt = (one, time) => one.rows.find((row) => row[0] === time)?.[one.column];
