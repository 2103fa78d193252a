// Traces: the newest first; and one of them as a waterfall, with what was logged meanwhile.
import { h } from "./dom.js";
import { address, param, route, setParams } from "./route.js";
import { isRedis, store } from "./store.js";
import { clock, count, dateTime, duration, plural, visible } from "./text.js";
import { chooseService, filter, flat, losses, millis, pairs, pairsText, source, valueText } from "./later-telemetry.js";
import { empty, facts, problem, section, toggle } from "./ui.js";
import { windowed } from "./windowed.js";

const list = source();
const one = source();
const ROW = 30;

export const title = () => (route().name ? "Trace" : "Traces");
export const leave = () => {};
export const draw = () => (route().name ? drawTrace(route().name) : drawList());

// ---- the list ----

function drawList() {
  const { data, problem: failed } = list.read("/traces", {
    q: param("q"),
    r: param("r"),
    errors: param("errors"),
    least: param("least"),
  });
  const traces = data?.traces || [];
  return [
    h("h1", { key: "h", class: "unseen" }, "Traces"),
    h(
      "div",
      { key: "tools", class: "tools", role: "search" },
      filter("Filter traces"),
      chooseService(),
      toggle("Failed only", param("errors"), (on) => setParams({ errors: on ? "1" : "" })),
      toggle("Slower than 100 ms", param("least"), (on) => setParams({ least: on ? "100" : "" })),
      h("span", { class: "dim", role: "status" }, plural(data?.count || 0, "trace")),
    ),
    losses(),
    failed ? problem(failed) : null,
    traces.length ? grid(traces) : data && nothing(),
  ].filter(Boolean);
}

const nothing = () =>
  empty(
    "No trace came yet.",
    "Programs with an OpenTelemetry SDK that are started while the dashboard runs send theirs here.",
  );

function grid(traces) {
  const most = Math.max(...traces.map((trace) => trace.durationMs), 1);
  return windowed("traces", {
    count: traces.length,
    rowHeight: ROW,
    label: "Traces, the newest first",
    class: "waterfall",
    row: (i) => line(traces[i], most),
  });
}

function line(trace, most) {
  const from = trace.services.map(visible).join(", ");
  const words = `${plural(trace.spans, "span")}, ${from}${trace.errors ? `, ${count(trace.errors)} failed` : ""}`;
  return h(
    "div",
    { key: trace.traceId, class: trace.errors ? "row t-bad" : "row" },
    h("span", { class: "mono dim" }, clock(millis(trace.startTimeUnixNano), true)),
    h(
      "a",
      { class: "w-name", href: address("traces", trace.traceId), title: trace.name },
      visible(trace.name) || "–",
    ),
    h(
      "span",
      { class: "w-bars" },
      bar(0, trace.durationMs / most, trace.errors),
      h(
        "span",
        { class: "w-end", style: { left: `${(trace.durationMs / most) * 50}%` } },
        `${duration(trace.durationMs)} · ${words}`,
      ),
    ),
  );
}

const bar = (left, width, isBad) =>
  h("span", {
    class: `bar ${isBad ? "b-restarting" : "b-running"}`,
    style: { left: `${left * 50}%`, width: `max(2px, ${width * 50}%)` },
  });

// ---- one trace ----

function drawTrace(id) {
  const { data, problem: failed } = one.read(`/traces/${encodeURIComponent(id)}`, {});
  if (failed) return [h("h1", { key: "h" }, "Trace"), problem(failed)];
  if (!data) return [h("h1", { key: "h" }, "Trace"), empty("Loading…")];
  const spans = flat(data.resourceSpans, "scopeSpans", "spans");
  const logs = flat(data.resourceLogs, "scopeLogs", "logRecords");
  const rows = rowsOf(spans, logs);
  const begin = Math.min(...spans.map((span) => millis(span.startTimeUnixNano)));
  const end = Math.max(...spans.map((span) => millis(span.endTimeUnixNano)), begin + 0.001);
  const chosen = rows.find((row) => row.id === param("span"));
  return [
    h("h1", { key: "h" }, visible(rows[0]?.span?.name || "Trace")),
    h(
      "p",
      { key: "sum" },
      `${plural(spans.length, "span")}, ${plural(logs.length, "log record")}, ${duration(end - begin)}, `,
      `begun at ${dateTime(begin)}. `,
      h("a", { href: address("traces") }, "All traces"),
    ),
    windowed("trace", {
      count: rows.length,
      rowHeight: ROW,
      label: "Spans and log records, in the order of their time",
      class: "waterfall",
      row: (i) => step(rows[i], begin, end - begin),
    }),
    chosen ? details(chosen) : null,
  ].filter(Boolean);
}

// Each span behind its parent, and behind it what was logged in it.
export function rowsOf(spans, logs) {
  const known = new Set(spans.map((span) => span.spanId));
  const children = group(spans, (span) => (known.has(span.parentSpanId) ? span.parentSpanId : ""));
  const said = group(logs, (record) => (known.has(record.spanId) ? record.spanId : ""));
  const rows = [];
  const seen = new Set();
  const add = (parent, depth) => {
    for (const record of said.get(parent) || []) rows.push({ id: `log ${rows.length}`, record, depth });
    for (const span of children.get(parent) || []) {
      if (seen.has(span)) continue;
      seen.add(span);
      rows.push({ id: span.spanId, span, depth });
      if (depth < 100) add(span.spanId, depth + 1);
    }
  };
  add("", 0);
  return rows;
}

function group(items, keyOf) {
  const found = new Map();
  const timeOf = (item) => BigInt(item.startTimeUnixNano || item.timeUnixNano || item.observedTimeUnixNano || 0);
  for (const item of [...items].sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1))) {
    const key = keyOf(item);
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(item);
  }
  return found;
}

const isFailed = (span) => span.status?.code === 2;

function step(row, begin, span) {
  const { depth } = row;
  const item = row.span || row.record;
  const from = millis(item.startTimeUnixNano || item.timeUnixNano || item.observedTimeUnixNano) - begin;
  const text = row.span ? row.span.name : valueText(row.record.body);
  const isBad = row.span ? isFailed(row.span) : row.record.severityNumber >= 17;
  return h(
    "div",
    { key: row.id, class: isBad ? "row t-bad" : "row" },
    h(
      "a",
      {
        class: row.span ? "w-name" : "w-name dim",
        style: { "padding-left": `${Math.min(depth, 12) * 0.7}rem` },
        href: address("traces", route().name, { span: row.id }),
        "aria-current": param("span") === row.id ? "true" : undefined,
        title: text,
      },
      visible(text) || "–",
    ),
    row.span ? spanBar(row.span, from, span) : logMark(row.record, from, span),
  );
}

function spanBar(item, from, span) {
  const ms = millis(item.endTimeUnixNano) - millis(item.startTimeUnixNano);
  const end = `${((from + ms) / span) * 50}%`;
  return h(
    "span",
    { class: "w-bars" },
    bar(from / span, ms / span, isFailed(item)),
    h(
      "span",
      { class: "w-end", style: { left: end } },
      duration(ms),
      h("span", { class: "dim" }, ` ${visible(item.service)}`),
    ),
  );
}

const logMark = (record, from, span) =>
  h(
    "span",
    { class: "w-bars" },
    h(
      "span",
      { class: "w-end dim", style: { left: `${Math.max(0, from / span) * 50}%` } },
      `◆ ${visible(record.severityText || "log")} · ${visible(record.service)}`,
    ),
  );

// ---- details ----

function details({ span, record }) {
  const item = span || record;
  const attributes = pairs(item.attributes).map(([key, text]) => [visible(key), visible(text)]);
  const events = (span?.events || []).map((event) => [
    clock(millis(event.timeUnixNano), true),
    visible(`${event.name || ""} ${pairsText(event.attributes)}`),
  ]);
  return section(
    span ? "Span" : "Log record",
    facts([
      ["Resource", h("a", { href: address("resources", item.service) }, visible(item.service))],
      ["Took", span && duration(millis(span.endTimeUnixNano) - millis(span.startTimeUnixNano))],
      ["Failed", span && isFailed(span) && (visible(span.status.message || "") || "yes")],
      ["Text", record && visible(valueText(record.body))],
      ["Key", span && keyLink(span)],
      ...attributes,
      ...events,
    ]),
  );
}

// A span of a Redis command: which server of the project, and the key where the statement names one.
function keyLink(span) {
  const known = new Map(pairs(span.attributes));
  if ((known.get("db.system.name") || known.get("db.system")) !== "redis") return null;
  const port = known.get("server.port") || known.get("net.peer.port") || known.get("network.peer.port");
  const servers = [...store.resources.values()].filter(isRedis);
  const server = servers.find(({ ports }) => ports?.some((one) => String(one.port) === port)) || servers[0];
  if (!server) return null;
  const words = (known.get("db.query.text") || known.get("db.statement") || "").split(" ");
  const key = words[1] && words[1] !== "?" ? words[1] : "";
  const db = known.get("db.namespace") || known.get("db.redis.database_index");
  const query = { tab: "keys", db, match: key, key: key && `text:${key}` };
  return h("a", { href: address("redis", server.name, query) }, visible(key || `keys of ${server.name}`));
}
