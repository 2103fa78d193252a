// One resource, whole: what it is, where it is, what it waits for, what it gets and gives, what became of it.
import { get } from "./api.js";
import { actionButtons } from "./actions.js";
import { lineChart } from "./chart.js";
import { h, link } from "./dom.js";
import { changed } from "./frame.js";
import { tailOf } from "./lines.js";
import { logLine } from "./page-logs.js";
import { sourceOf } from "./page-resources.js";
import { address, names, route } from "./route.js";
import { connections, environment, forgetSecrets } from "./secrets.js";
import * as from from "./store.js";
import { ago, bytes, clock, dateTime, duration, percent, visible } from "./text.js";
import { copyButton, empty, facts, problem, reason, section, state, table } from "./ui.js";

const TAIL = 50;
const TAIL_MS = 4_000;
const EVENTS_SHOWN = 30;
let loaded = { name: null };

export const title = () => route().name;
export const topics = () => ["stats"];

export function enter() {
  loaded = { name: route().name, stamp: "" };
  forgetSecrets(route().name);
}

// Asked for again when the resource has changed: a restart brings other ports and another environment.
function load(resource) {
  const stamp = `${resource.state} ${resource.startedAt} ${resource.restarts}`;
  if (loaded.stamp === stamp) return;
  loaded.stamp = stamp;
  const mine = loaded;
  const path = `/resources/${encodeURIComponent(resource.name)}`;
  const into = (key) => [
    (value) => {
      mine[key] = value;
      changed();
    },
    (error) => {
      mine[`${key}Problem`] = error;
      changed();
    },
  ];
  get(path).then(...into("more"));
  get(`${path}/env`).then(...into("env"));
  get(`${path}/env`, { own: 1 }).then(...into("gives"));
}

export function draw() {
  const { name } = route();
  const resource = from.store.resources.get(name);
  if (!resource) return unknown(name);
  load(resource);
  return [
    heading(resource),
    trouble(resource),
    h(
      "div",
      { key: "sides", class: "sides" },
      h(
        "div",
        { class: "stack" },
        section("About", about(resource)),
        addresses(resource),
        needs(resource),
        usage(resource),
      ),
      h(
        "div",
        { class: "stack" },
        connections(loaded.gives, resource.display),
        lastLines(resource),
        health(resource),
        environment(loaded.env, loaded.envProblem),
        events(resource),
      ),
    ),
  ];
}

function unknown(name) {
  const text = from.store.view ? `No resource is called “${visible(name)}”.` : "Nothing is known yet.";
  return empty(text, h("a", { href: address("resources") }, "All resources"));
}

function heading(resource) {
  return h(
    "header",
    { key: "heading", class: "heading" },
    h("h1", {}, visible(resource.name)),
    state(resource),
    reason(resource),
    h(
      "span",
      { class: "end row" },
      actionButtons(resource),
      h("a", { class: "button", href: address("logs", "", { r: names([resource.name]) }) }, "Logs"),
      hasData(resource) ? h("a", { class: "button", href: address("redis", resource.name) }, "Data") : null,
    ),
  );
}

const hasData = (resource) => from.isRedis(resource) && !from.store.absent.has("redis");

function trouble(resource) {
  const { error } = resource;
  if (!error) return null;
  return h(
    "div",
    { key: "trouble", class: "notice t-bad" },
    h("strong", {}, visible(error.message)),
    error.hint ? h("p", {}, visible(error.hint)) : null,
    error.file ? h("p", { class: "mono" }, sourceOf(error)) : null,
  );
}

function about(resource) {
  const details = loaded.more?.details || {};
  const box = details.container || {};
  const argv = commandOf(details);
  return [
    facts([
      ["Kind", resource.task ? `${resource.kind}, a task` : resource.kind],
      [
        "Replica of",
        resource.replicaOf &&
          h("a", { href: address("resources", resource.replicaOf) }, visible(resource.replicaOf)),
      ],
      ["Image", resource.image && h("span", { class: "mono" }, resource.image)],
      [
        "Container",
        resource.containerName && [
          h("span", { class: "mono" }, resource.containerName),
          " ",
          copyButton(resource.containerId, "container id"),
        ],
      ],
      ["Process", resource.pid],
      ["Command", argv && h("code", {}, visible([argv].flat().join(" ")))],
      ["Folder", folderOf(details) && h("span", { class: "mono" }, visible(folderOf(details)))],
      ["Started", resource.startedAt && `${dateTime(resource.startedAt)} (${ago(resource.startedAt)} ago)`],
      ["Ready after", resource.readyAt && resource.startedAt && duration(resource.readyAt - resource.startedAt)],
      ["Restarts", resource.restarts ? String(resource.restarts) : ""],
      ["Ended with", resource.exitCode === undefined ? "" : String(resource.exitCode)],
      ["Lifetime", resource.lifetime],
      ["Decision", resource.decision],
    ]),
    mounts(box.mounts),
    problem(loaded.moreProblem),
  ];
}

// What the engine says that runs, else what the plan says; a part that is known later is told by an ellipsis.
function commandOf({ container, spec }) {
  if (container?.program) return [container.program, ...(container.arguments || [])];
  return spec?.run?.command?.map(({ text }) => text ?? "…");
}

function folderOf({ container, spec }) {
  return container?.folder || spec?.run?.working_dir;
}

function mounts(items) {
  if (!Array.isArray(items) || items.length === 0) return null;
  return table(
    "Volumes",
    ["Volume or folder", "In the container"],
    items.map((mount, i) =>
      h(
        "tr",
        { key: i },
        h("td", { class: "mono" }, visible(mount.source || mount.name || "")),
        h("td", { class: "mono" }, visible(mount.target || mount.destination || "")),
      ),
    ),
  );
}

function addresses(resource) {
  if (!resource.ports?.length) return null;
  return section(
    "Addresses",
    h(
      "ul",
      { class: "plain" },
      resource.ports.map((port) => {
        const where = from.addressOf(port);
        return h(
          "li",
          { key: port.endpoint, class: "row" },
          h("span", { class: "dim" }, port.endpoint),
          h("span", { class: "mono" }, link(where, where)),
          copyButton(where, `address ${port.endpoint}`),
          port.targetPort ? h("span", { class: "dim" }, `inside: ${port.targetPort}`) : null,
        );
      }),
    ),
  );
}

// ---- who needs whom ----

function needs(resource) {
  const to = from.store.edges.filter((edge) => edge.from === resource.name);
  const back = from.store.edges.filter((edge) => edge.to === resource.name);
  if (to.length + back.length === 0) return null;
  const item = (name, text) =>
    h(
      "li",
      { key: name, class: "row" },
      h("a", { href: address("resources", name) }, visible(name)),
      from.store.resources.has(name) ? state(from.store.resources.get(name)) : null,
      h("span", { class: "dim" }, text),
    );
  return section(
    "Depends on, and is needed by",
    to.length
      ? h(
          "ul",
          { class: "plain", "aria-label": "Depends on" },
          to.map((edge) => item(edge.to, `until it is ${edge.until}`)),
        )
      : null,
    back.length
      ? [
          h("h3", {}, "Needed by"),
          h(
            "ul",
            { class: "plain" },
            back.map((edge) => item(edge.from, "")),
          ),
        ]
      : null,
  );
}

function usage(resource) {
  const rows = from.store.stats.get(resource.name);
  if (!rows || rows.length < 2) return null;
  return section(
    "Usage",
    lineChart("CPU", [{ name: "now", rows, column: 1 }], percent),
    lineChart("Memory", [{ name: "now", rows, column: 2 }], bytes),
  );
}

function health() {
  const checks = loaded.more?.details?.container?.health?.checks;
  if (!Array.isArray(checks) || checks.length === 0) return null;
  return section(
    "Health checks",
    table(
      "Health checks",
      ["Time", "Result", "Output"],
      checks
        .slice()
        .reverse()
        .map((check, i) =>
          h(
            "tr",
            { key: i },
            h("td", {}, clock(Date.parse(check.startedAt))),
            h("td", {}, healthWord(check)),
            h("td", { class: "mono" }, visible(check.output || "")),
          ),
        ),
    ),
  );
}

function healthWord({ exitCode: code }) {
  return code === 0 ? "healthy" : `failed (${code})`;
}

function lastLines(resource) {
  const lines = tailOf(resource.name, `${loaded.stamp} ${Math.floor(Date.now() / TAIL_MS)}`, TAIL);
  if (lines.length === 0) return null;
  return section(
    "Last lines",
    h(
      "div",
      { class: "tail newest", tabindex: "0", role: "group", "aria-label": "Last lines" },
      h(
        "div",
        {},
        lines.map((line) => logLine(line, { isAlone: true })),
      ),
    ),
    h("a", { href: address("logs", "", { r: names([resource.name]) }) }, "All its logs"),
  );
}

function events(resource) {
  const found = from.store.transitions
    .filter((transition) => transition.resource === resource.name)
    .slice(-EVENTS_SHOWN)
    .reverse();
  if (found.length === 0) return null;
  return section(
    "History",
    table(
      "History",
      ["Time", "State", "What"],
      found.map((transition) =>
        h(
          "tr",
          { key: `${transition.timeMs}${transition.goal}${transition.state}` },
          h("td", {}, clock(transition.timeMs, true)),
          h("td", {}, transition.state),
          h("td", {}, visible(transition.error?.message || transition.detail || transition.goal || "")),
        ),
      ),
    ),
  );
}
