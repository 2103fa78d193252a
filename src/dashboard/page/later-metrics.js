// Metrics by their name, as chart and table; and log records with their attributes.
import { lineChart } from "./chart.js";
import { h } from "./dom.js";
import { address, param, setParams } from "./route.js";
import { dateTime, plural, visible } from "./text.js";
import { chooseService, filter, flat, losses, millis, pairsText, source, valueText } from "./later-telemetry.js";
import { empty, problem, tableOf, tabs } from "./ui.js";

const names = source();
const points = source();
const records = source();
const TABS = [
  ["metrics", "Metrics"],
  ["logs", "Log records"],
];
const MOST_SERIES = 5;

export const title = () => "Telemetry";
export const leave = () => {};

export function draw() {
  const tab = param("tab", "metrics");
  return [
    h("h1", { key: "h", class: "unseen" }, "Telemetry"),
    tabs("Parts", TABS, tab, (id) => address("telemetry", "", { tab: id, r: param("r") })),
    h("div", { key: "tools", class: "tools", role: "search" }, filter("Filter"), chooseService()),
    losses(),
    tab === "logs" ? drawRecords() : drawMetrics(),
  ].filter(Boolean);
}

// ---- metrics ----

function drawMetrics() {
  const { data, problem: failed } = names.read("/telemetry/metrics", { r: param("r") });
  if (failed) return problem(failed);
  const text = param("q").toLowerCase();
  const rows = (data?.metrics || []).filter((metric) => metric.name.toLowerCase().includes(text));
  if (!rows.length) return empty(data ? "No metric came yet." : "Loading…");
  const cells = (metric) => [
    h(
      "a",
      { href: address("telemetry", "", { name: metric.name, r: metric.service, q: param("q") }) },
      visible(metric.name),
    ),
    visible(metric.service),
    metric.kind,
    visible(metric.unit || ""),
    visible(metric.description || ""),
  ];
  return h(
    "div",
    { key: "metrics", class: "stack" },
    param("name") ? drawChart(rows.find((metric) => metric.name === param("name"))) : null,
    tableOf("Metrics", ["Name", "Resource", "Kind", "Unit", "What"], rows.map(cells)),
  );
}

function drawChart(metric) {
  const { data, problem: failed } = points.read("/telemetry/metrics", {
    name: param("name"),
    r: param("r"),
    limit: 1000,
  });
  if (failed) return problem(failed);
  if (!data) return empty("Loading…");
  const unit = metric?.unit && metric.unit !== "1" ? ` ${visible(metric.unit)}` : "";
  const say = (value) => (Number.isFinite(value) ? `${Number(value.toPrecision(4))}${unit}` : "–");
  const series = seriesOf(flat(data.resourceMetrics, "scopeMetrics", "metrics")).slice(0, MOST_SERIES);
  return h("div", { key: "chart", class: "card" }, lineChart(visible(param("name")), series, say));
}

// One line for each set of attributes: a number as it is, a histogram as the mean of what it counted.
export function seriesOf(metrics) {
  const found = new Map();
  for (const metric of metrics) {
    const kind = metric.gauge || metric.sum || metric.histogram || metric.exponentialHistogram || metric.summary;
    for (const point of kind?.dataPoints || []) {
      const name = pairsText(point.attributes) || "value";
      if (!found.has(name)) found.set(name, { name: visible(name), rows: [], column: 1 });
      found.get(name).rows.push([millis(point.timeUnixNano), numberOf(point)]);
    }
  }
  return [...found.values()].sort((a, b) => b.rows.length - a.rows.length);
}

function numberOf({ asInt, asDouble, sum, count }) {
  if (asDouble !== undefined || asInt !== undefined) return Number(asDouble ?? asInt);
  return Number(count) ? Number(sum) / Number(count) : 0;
}

// ---- log records ----

const LEVELS = [
  ["", "All levels"],
  ["9", "Information"],
  ["13", "Warnings"],
  ["17", "Errors"],
];

const HEADS = ["Time", "Resource", "Level", "Text", "Attributes", "Trace"];

function drawRecords() {
  const { data, problem: failed } = records.read("/telemetry/logs", {
    r: param("r"),
    q: param("q"),
    severity: param("severity"),
  });
  if (failed) return problem(failed);
  const rows = flat(data?.resourceLogs, "scopeLogs", "logRecords").reverse();
  const cells = (record) => [
    dateTime(millis(record.timeUnixNano || record.observedTimeUnixNano)),
    visible(record.service),
    h("span", { class: record.severityNumber >= 17 ? "t-bad" : "" }, visible(record.severityText || "")),
    visible(valueText(record.body)),
    h("span", { class: "dim mono" }, visible(pairsText(record.attributes))),
    record.traceId ? h("a", { href: address("traces", record.traceId) }, "trace") : "",
  ];
  return h(
    "div",
    { key: "records", class: "stack" },
    h(
      "div",
      { class: "row" },
      h(
        "select",
        {
          "aria-label": "Level",
          value: param("severity"),
          onchange: (event) => setParams({ severity: event.target.value }),
        },
        LEVELS.map(([value, text]) => h("option", { key: value, value }, text)),
      ),
      h("span", { class: "dim", role: "status" }, plural(rows.length, "record")),
    ),
    rows.length
      ? tableOf("Log records, the newest first", HEADS, rows.map(cells))
      : empty(data ? "No log record came yet." : "Loading…"),
  );
}
