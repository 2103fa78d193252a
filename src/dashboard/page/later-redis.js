// What is in a server: overview, keys and values, what was slow, who is connected, a console. Looked at, not touched,
// until somebody allows changes; that holds until the page is closed.
import { get } from "./api.js";
import { lineChart } from "./chart.js";
import { h } from "./dom.js";
import { changed } from "./frame.js";
import { want } from "./live.js";
import { drawConsole } from "./later-redis-console.js";
import { drawData } from "./later-redis-data.js";
import { drawKeys, forgetKeys } from "./later-redis-keys.js";
import { address, param, route } from "./route.js";
import { byName, isRedis, store } from "./store.js";
import { ago, bytes, clock, count, dateTime, duration, percent, visible } from "./text.js";
import { empty, facts, problem, section, state, tableOf, tabs, toggle } from "./ui.js";

const TABS = [
  ["overview", "Overview"],
  ["keys", "Keys"],
  ["slow", "Slow log"],
  ["commands", "Commands"],
  ["clients", "Clients"],
  ["latency", "Latency"],
  ["data", "Snapshots"],
  ["console", "Console"],
];
const SOURCES = {
  overview: "info",
  slow: "slowlog",
  commands: "commandstats",
  clients: "clients",
  latency: "latency",
};
const REFRESH_MS = 5_000;

export const access = { isAllowed: false };
let loaded = { key: "" };

export const title = () => (route().name ? `Redis ${route().name}` : "Redis");

export function leave() {
  loaded = { key: "" };
  forgetKeys();
  want("redis", []);
}

export function draw() {
  const servers = [...store.resources.values()].filter(isRedis).sort(byName);
  const name = route().name || servers[0]?.name;
  if (!name) return [h("h1", { key: "h" }, "Redis"), empty("This project has no Redis server.")];
  const tab = param("tab", "overview");
  want("redis", [`redis:${name}`]);
  if (SOURCES[tab]) load(name, tab);
  return [
    heading(name, servers),
    tabs("Parts", TABS, tab, (id) => address("redis", name, { tab: id === "overview" ? "" : id })),
    body(name, tab),
  ];
}

function heading(name, servers) {
  const resource = store.resources.get(name);
  return h(
    "header",
    { key: "heading", class: "heading" },
    h("h1", {}, visible(name)),
    resource ? state(resource) : null,
    servers.length > 1
      ? h(
          "select",
          {
            "aria-label": "Server",
            value: name,
            onchange: (event) => {
              location.hash = address("redis", event.target.value, { tab: param("tab") });
            },
          },
          servers.map((server) => h("option", { value: server.name }, visible(server.name))),
        )
      : null,
    h(
      "span",
      { class: "end row" },
      toggle(access.isAllowed ? "Changes allowed" : "Allow changes", access.isAllowed, allow, {
        title: "Until this page is closed",
      }),
    ),
  );
}

export function allow(isAllowed) {
  access.isAllowed = isAllowed;
  changed();
}

function body(name, tab) {
  if (tab === "keys") return drawKeys(name);
  if (tab === "console") return drawConsole(name);
  if (tab === "data") return drawData(name);
  if (loaded.problem) return h("div", { key: "problem", class: "stack" }, notThere(loaded.problem));
  if (!loaded.data) return h("p", { key: "wait", class: "empty" }, "Asking the server…");
  if (!PARTS[tab]) return empty("There is no such part.");
  return h("div", { key: `part ${tab}`, class: tab === "overview" ? "" : "card" }, PARTS[tab](loaded.data, name));
}

const notThere = (error) =>
  error.status === 501
    ? empty("This build of the dashboard cannot look into servers yet.")
    : problem(error, () => {
        loaded.key = "";
        changed();
      });

// Asked for when the part is opened, and again every few seconds while it is looked at.
function load(name, tab) {
  const key = `${name} ${tab}`;
  const isFresh = loaded.key === key && Date.now() - loaded.atMs < REFRESH_MS;
  if (isFresh || loaded.isAsking === key) return;
  if (loaded.key !== key) loaded = { key };
  loaded.isAsking = key;
  loaded.atMs = Date.now();
  const mine = loaded;
  get(`/redis/${encodeURIComponent(name)}/${SOURCES[tab]}`)
    .then(
      (data) => Object.assign(mine, { data, problem: null }),
      (error) => {
        mine.problem = error;
      },
    )
    .finally(() => {
      mine.isAsking = "";
      changed();
    });
}

// ---- parts ----

function overview({ sections, keyspace }, name) {
  const info = Object.assign({}, ...Object.values(sections || {}));
  const rows = (store.redis.get(name) || []).map(([time, point]) => [time, point.ops, point.memory]);
  return h(
    "div",
    { key: "overview", class: "columns" },
    section(
      "Load",
      traffic(info),
      chartOf("Commands a second", rows, 1, (value) => count(Math.round(value))),
    ),
    section("Memory", memory(info), chartOf("Memory", rows, 2, bytes)),
    section("Keys", keyspace?.length ? databases(keyspace, name) : empty("It holds nothing.")),
    section("Server", server(info)),
  );
}

const chartOf = (text, rows, column, say) =>
  rows.length > 1 ? lineChart(text, [{ name: "now", rows, column }], say) : null;

// Nought is not worth a line.
const unlessNone = (number) => (Number(number) === 0 ? "" : number);

const traffic = (info) =>
  facts([
    ["Commands", `${count(Number(info.instantaneous_ops_per_sec))} a second`],
    ["Hit rate", hitRate(info)],
    ["Clients", info.connected_clients],
    ["Blocked", unlessNone(info.blocked_clients)],
    ["Expired keys", count(Number(info.expired_keys))],
    ["Evicted keys", count(Number(info.evicted_keys))],
  ]);

const memory = (info) =>
  facts([
    ["Used", bytes(Number(info.used_memory))],
    ["At most so far", bytes(Number(info.used_memory_peak))],
    ["Limit", Number(info.maxmemory) ? bytes(Number(info.maxmemory)) : "none"],
    ["When it is full", info.maxmemory_policy],
    ["Fragmentation", info.mem_fragmentation_ratio],
  ]);

const server = (info) =>
  facts([
    ["Version", info.valkey_version || info.garnet_version || info.redis_version],
    ["Up for", duration(Number(info.uptime_in_seconds) * 1000)],
    ["Role", info.role],
    ["Replicas", unlessNone(info.connected_slaves)],
    ["Last save", Number(info.rdb_last_save_time) > 0 && `${ago(info.rdb_last_save_time * 1000)} ago`],
    ["Unsaved changes", info.rdb_changes_since_last_save],
    ["Last save went", info.rdb_last_bgsave_status],
    ["Append-only file", Number(info.aof_enabled) ? "on" : "off"],
  ]);

const databases = (keyspace, name) =>
  tableOf(
    "Keys by database",
    ["Database", "Keys", "With expiry"],
    keyspace.map(({ db, keys, expires }) => [
      h("a", { href: address("redis", name, { tab: "keys", db: db ? String(db) : "" }) }, `db ${db}`),
      count(keys),
      count(expires),
    ]),
    [1, 2],
  );

function hitRate({ keyspace_hits: hits, keyspace_misses: misses }) {
  const all = Number(hits) + Number(misses);
  return all ? percent((Number(hits) / all) * 100) : "";
}

const isBinary = (key) => typeof key === "object" && key !== null;
export const keyText = (key) => (isBinary(key) ? `base64:${key.b64}` : visible(key ?? ""));

function slow(rows) {
  if (rows.length === 0) return empty("Nothing was slow.", "What takes long is set by slowlog-log-slower-than.");
  const cells = (row) => [
    dateTime(row.timeMs),
    duration(row.us / 1000),
    h("code", {}, row.argv.map(keyText).join(" ")),
    visible(row.name || row.client || ""),
  ];
  return tableOf("Slow log", ["When", "Took", "Command", "By"], rows.map(cells), [1]);
}

function micro(value) {
  if (!Number.isFinite(value)) return "–";
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)} µs`;
}

function commands(rows) {
  if (rows.length === 0) return empty("No command was given yet.");
  const heads = ["Command", "Calls", "Time in all", "Each", "p50", "p99", "Failed", "Refused"];
  const cells = (row) => [
    h("code", {}, row.command),
    count(row.calls),
    duration(row.usec / 1000),
    micro(row.usecPerCall),
    micro(row.p50),
    micro(row.p99),
    row.failed ? h("span", { class: "t-bad" }, count(row.failed)) : "",
    row.rejected || "",
  ];
  const sorted = [...rows].sort((a, b) => b.usec - a.usec);
  return tableOf("Commands, those that took most time first", heads, sorted.map(cells), [1, 2, 3, 4, 5, 6, 7]);
}

// The page's own connection says nothing about the project.
function clients(all) {
  const rows = all.filter((row) => !row.ours);
  if (rows.length === 0) return empty("Nobody is connected.");
  const heads = ["Name", "Address", "Connected for", "Idle for", "Database", "Last command", "Memory"];
  const cells = (row) => [
    visible(row.name || "–"),
    h("span", { class: "mono" }, row.addr),
    duration(Number(row.age) * 1000),
    duration(Number(row.idle) * 1000),
    row.db,
    h("code", {}, visible(row.cmd || "")),
    bytes(Number(row["tot-mem"])),
  ];
  return tableOf("Clients", heads, rows.map(cells), [2, 3, 4, 6]);
}

function latency(rows) {
  if (rows.length === 0)
    return empty("No delays were noted.", "The server notes those above latency-monitor-threshold.");
  const cells = (row) => [row.event, clock(row.timeMs), duration(row.latestMs), duration(row.maxMs)];
  return tableOf("Latency", ["Event", "When", "Latest", "Worst"], rows.map(cells), [2, 3]);
}

const PARTS = { overview, slow, commands, clients, latency };
