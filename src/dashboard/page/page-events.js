// What happened, newest first: changes of state, and what was done from this page with what became of it.
import { h } from "./dom.js";
import { address, param, setParams } from "./route.js";
import { derived, store } from "./store.js";
import { clock, duration, plural, visible } from "./text.js";
import { empty } from "./ui.js";
import { windowed } from "./windowed.js";

export const title = () => "Events";

export function draw() {
  const text = param("q").toLowerCase();
  const rows = derived(`events ${text}`, () =>
    all().filter((one) => !text || `${one.resource} ${one.state} ${one.text}`.toLowerCase().includes(text)),
  );
  return [
    h("h1", { key: "h", class: "unseen" }, "Events"),
    h(
      "div",
      { key: "tools", class: "tools", role: "search" },
      h("input", {
        id: "filter",
        type: "search",
        placeholder: "Filter",
        "aria-label": "Filter events",
        value: param("q"),
        oninput: (event) => setParams({ q: event.target.value }),
      }),
      h("span", { class: "dim", role: "status" }, plural(rows.length, "event")),
    ),
    rows.length
      ? windowed("events", {
          count: rows.length,
          rowHeight: 28,
          role: "table",
          label: "Events",
          class: "grid events",
          rowCount: rows.length + 1,
          colCount: 4,
          head: h(
            "div",
            { class: "row head", role: "row", "aria-rowindex": 1 },
            ["Time", "Resource", "State", "What"].map((head) => h("span", { role: "columnheader" }, head)),
          ),
          row: (i) => row(rows[i], i),
        })
      : empty("Nothing happened yet that this page knows of."),
  ];
}

function all() {
  const seen = store.transitions.map((transition, i) => ({
    id: i,
    timeMs: transition.timeMs,
    resource: transition.resource || transition.node || "",
    state: transition.state,
    isBad: Boolean(transition.error),
    text: transition.error?.message || transition.detail || said(transition),
  }));
  const done = store.actions.map((action, i) => ({
    id: `a${i}`,
    timeMs: action.timeMs,
    resource: action.resource,
    state: action.verb,
    isBad: Boolean(action.error),
    text: action.error ? `from this page: ${action.error.message}` : `from this page, done after ${action.took}`,
  }));
  return [...seen, ...done].sort((a, b) => b.timeMs - a.timeMs);
}

function said({ state, elapsedMs }) {
  return ["ready", "completed"].includes(state) && elapsedMs ? `after ${duration(elapsedMs)}` : "";
}

function row(one, i) {
  const cell = (...content) => h("span", { class: "cell", role: "cell" }, content);
  const name = store.resources.has(one.resource)
    ? h("a", { href: address("resources", one.resource) }, visible(one.resource))
    : visible(one.resource);
  return h(
    "div",
    { key: one.id, class: one.isBad ? "row t-bad" : "row", role: "row", "aria-rowindex": i + 2 },
    cell(clock(one.timeMs, true)),
    cell(name),
    cell(one.state),
    cell(h("span", { class: "cut", title: one.text }, visible(one.text.split("\n")[0]))),
  );
}
