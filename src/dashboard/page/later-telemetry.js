// What the pages of telemetry share: asking again while somebody looks, and values of OTLP as text.
import { get } from "./api.js";
import { h } from "./dom.js";
import { changed } from "./frame.js";
import { param, setParams } from "./route.js";
import { store } from "./store.js";
import { plural, visible } from "./text.js";

export const REFRESH_MS = 2_000;

// Asks when it is first drawn, and again every two seconds while it is drawn. What was there stays until then.
export function source() {
  const own = { key: "", data: null, problem: null, askedMs: 0, isAsking: false };
  own.read = (path, query) => {
    const key = `${path} ${JSON.stringify(query)}`;
    if (own.key !== key) Object.assign(own, { key, data: null, problem: null, askedMs: 0, isAsking: false });
    if (!own.isAsking && Date.now() - own.askedMs >= REFRESH_MS) ask(own, key, path, query);
    return own;
  };
  return own;
}

function ask(own, key, path, query) {
  own.isAsking = true;
  own.askedMs = Date.now();
  const take = (what) => {
    if (own.key !== key) return;
    Object.assign(own, { isAsking: false, problem: null }, what);
    changed();
  };
  get(path, query).then(
    (data) => take({ data }),
    (error) => take({ problem: error }),
  );
}

// ---- what is not shown ----

const sums = source();
const SIGNALS = { traces: "span", logs: "log record", metrics: "metric" };

// What was thrown away, and who was not let in: an exporter that is refused says nothing of it.
export function losses() {
  const { data } = sums.read("/telemetry", {});
  const parts = Object.entries(SIGNALS)
    .filter(([signal]) => data?.[signal]?.dropped)
    .map(([signal, text]) => `${plural(data[signal].dropped, text)} gone, the oldest first: memory is full`);
  if (data?.refused) parts.push(`${plural(data.refused, "export")} refused: dashboard.log says why`);
  return parts.length ? h("p", { key: "losses", class: "t-warn" }, `${parts.join("; ")}.`) : null;
}

// ---- OTLP ----

export const millis = (nanos) => Number(BigInt(nanos || 0) / 1000n) / 1000;

const listed = (attributes, between) => pairs(attributes).map((pair) => pair.join(between));

export function valueText(value) {
  if (!value) return "";
  if ("stringValue" in value) return value.stringValue;
  if ("bytesValue" in value) return `base64:${value.bytesValue}`;
  if (value.arrayValue) return `[${(value.arrayValue.values || []).map(valueText).join(", ")}]`;
  if (value.kvlistValue) return `{${listed(value.kvlistValue.values, ": ").join(", ")}}`;
  return String(value.intValue ?? value.doubleValue ?? value.boolValue ?? "");
}

export const pairs = (attributes) => (attributes || []).map(({ key, value }) => [key, valueText(value)]);

export const pairsText = (attributes) => listed(attributes, "=").join(" ");

export const serviceOf = (resource) =>
  valueText((resource?.attributes || []).find(({ key }) => key === "service.name")?.value) || "unknown";

// Items with the service that they came from, of {"resourceSpans":[…]} and its like.
export function flat(groups, scopes, items) {
  const found = [];
  for (const group of groups || []) {
    const service = serviceOf(group.resource);
    for (const scope of group[scopes] || []) for (const item of scope[items] || []) found.push({ ...item, service });
  }
  return found;
}

// ---- parts ----

export const filter = (label) =>
  h("input", {
    id: "filter",
    type: "search",
    placeholder: "Filter",
    "aria-label": label,
    value: param("q"),
    oninput: (event) => setParams({ q: event.target.value }),
  });

export const chooseService = () =>
  h(
    "select",
    { "aria-label": "Resource", value: param("r"), onchange: (event) => setParams({ r: event.target.value }) },
    h("option", { value: "" }, "All resources"),
    [...new Set([...store.resources.keys(), param("r")])]
      .filter(Boolean)
      .sort()
      .map((name) => h("option", { key: name, value: name }, visible(name))),
  );
