// What is known of the project, and what follows from it. Filled by the stream; pages read it while they draw.
//
// link: "connecting", "live", "lost" (no answer of the dashboard), "logged-out". session.state tells whether a
// supervisor runs. A record of the stream replaces a resource's whole record, so that nothing is left over from an
// older one.
import { changed } from "./frame.js";

const STATS_KEPT = 450;
const EVENTS_KEPT = 2_000;

export const store = {
  link: "connecting",
  lostAt: 0,
  session: null,
  epoch: "",
  view: null,
  version: 0,
  resources: new Map(),
  others: [],
  edges: [],
  stats: new Map(),
  statsAt: 0,
  transitions: [],
  earlier: [],
  hasHistory: false,
  redis: new Map(),
  absent: new Set(),
  actions: [],
};

function touch() {
  store.version += 1;
  changed();
}

export function setLink(link) {
  if (store.link === link) return;
  if (link === "lost") store.lostAt = Date.now();
  store.link = link;
  touch();
}

export function applyView(view) {
  store.view = view;
  store.resources = new Map(view.resources.map((resource) => [resource.name, resource]));
  store.others = view.others || [];
  touch();
}

export function applyState({ transition, resource }) {
  if (resource) store.resources.set(resource.name, resource);
  if (transition) {
    store.transitions.push(transition);
    if (store.transitions.length > EVENTS_KEPT) store.transitions.splice(0, EVENTS_KEPT / 10);
  }
  touch();
}

// Whole records of what changed, and the nodes that are no more.
export function applyChanges({ engine, resources = [], others = [], gone = [] }) {
  for (const resource of resources) store.resources.set(resource.name, resource);
  const left = new Set(gone);
  for (const [name, { node }] of store.resources) if (left.has(node)) store.resources.delete(name);
  const replaced = new Set([...gone, ...others.map(({ node }) => node)]);
  store.others = [...store.others.filter(({ node }) => !replaced.has(node)), ...others];
  if (engine && store.view) store.view.engine = engine;
  touch();
}

// The history has goals and operations as well, which say more than the pages show.
export function applyHistory({ items, earlier = [] }) {
  store.earlier = earlier;
  const transitions = items.filter(({ type }) => type === "transition");
  const latest = transitions.at(-1)?.timeMs ?? 0;
  const newer = store.transitions.filter((transition) => transition.timeMs > latest);
  store.transitions = [...transitions, ...newer].slice(-EVENTS_KEPT);
  store.hasHistory = true;
  touch();
}

export function applySession(session) {
  store.session = { ...store.session, ...session };
  if (session.state === "no-session") store.session.session = undefined;
  touch();
}

export function setOffered(page, isOffered) {
  if (isOffered) store.absent.delete(page);
  else store.absent.add(page);
  touch();
}

export function applyEdges(edges) {
  // What a resource needs of its own, its volume say, is no arrow between resources.
  store.edges = edges.filter(({ from, to }) => from !== to);
  touch();
}

export function applyStatsHistory({ points }) {
  for (const [name, rows] of Object.entries(points)) {
    store.stats.set(name, rows.slice(-STATS_KEPT));
    store.statsAt = Math.max(store.statsAt, rows.at(-1)?.[0] ?? 0);
  }
  touch();
  // A page of figures is offered when there are some.
  return store.stats.size > 0;
}

export function applyStats({ timeMs, points }) {
  store.statsAt = timeMs;
  store.absent.delete("stats");
  for (const [name, [cpu, memory, processes]] of Object.entries(points)) {
    const ring = store.stats.get(name) || [];
    ring.push([timeMs, cpu, memory, processes]);
    if (ring.length > STATS_KEPT) ring.splice(0, ring.length - STATS_KEPT);
    store.stats.set(name, ring);
  }
  touch();
}

export function applyRedis(point) {
  const ring = store.redis.get(point.resource) || [];
  ring.push([Date.now(), point]);
  if (ring.length > STATS_KEPT) ring.shift();
  store.redis.set(point.resource, ring);
  touch();
}

// What was measured before a gap says nothing about now.
export function latest(name) {
  const point = store.stats.get(name)?.at(-1);
  if (!point || point[0] < store.statsAt - 10_000) return null;
  return { cpu: point[1], memory: point[2], processes: point[3] };
}

// ---- what follows ----

const memo = new Map();

// Computed once for each change of the store, however often it is asked.
export function derived(key, compute) {
  const known = memo.get(key);
  if (known && known.version === store.version) return known.value;
  const value = compute();
  memo.set(key, { version: store.version, value });
  return value;
}

const RANK = {
  failed: 0,
  "engine-lost": 1,
  restarting: 2,
  waiting: 3,
  pulling: 3,
  creating: 3,
  starting: 3,
  running: 4,
  stopping: 4,
};

export const isFailed = (resource) =>
  resource.state === "failed" || Boolean(resource.error && resource.state !== "ready");
export const isBusy = (resource) =>
  ["waiting", "pulling", "creating", "starting", "restarting", "stopping"].includes(resource.state);

export function tone(resource) {
  if (isFailed(resource) || resource.state === "engine-lost") return "bad";
  if (resource.health === "unhealthy" || resource.state === "restarting") return "warn";
  if (resource.state === "ready" || resource.state === "completed") return "good";
  if (isBusy(resource) || resource.state === "running") return "busy";
  return "idle";
}

export function rank(resource) {
  if (isFailed(resource)) return 0;
  if (resource.health === "unhealthy") return 1;
  return RANK[resource.state] ?? 5;
}

// Failed first, because that is what somebody opens the page for; then by name, so that rows stay where they are.
// Names are compared when there are new ones, not when a state changes: a thousand comparisons take longer than a
// frame.
let sortedNames = [];

export const ordered = () =>
  derived("ordered", () => {
    if (sortedNames.length !== store.resources.size || !sortedNames.every((name) => store.resources.has(name))) {
      sortedNames = [...store.resources.keys()].sort(collator.compare);
    }
    const ranks = [];
    for (const name of sortedNames) {
      const resource = store.resources.get(name);
      (ranks[rank(resource)] ||= []).push(resource);
    }
    return ranks.filter(Boolean).flat();
  });

const collator = new Intl.Collator("en", { numeric: true });
export const byName = (a, b) => collator.compare(a.name, b.name);

export const counts = () =>
  derived("counts", () => {
    const found = { all: 0, bad: 0, warn: 0, busy: 0, good: 0, idle: 0 };
    for (const resource of store.resources.values()) {
      found.all += 1;
      found[tone(resource)] += 1;
    }
    return found;
  });

// One sentence: why it is not simply there.
export function why(resource) {
  if (resource.error) return resource.error.message.split("\n")[0];
  const needs = waitsFor(resource.name);
  if (resource.state === "waiting" && needs.length) return `waits for ${needs.map(sayNeed).join(", ")}`;
  if (resource.detail && resource.state !== "ready") return resource.detail;
  if (resource.health === "unhealthy") return "its health check fails";
  if (resource.state === "completed" && resource.exitCode > 0) return `ended with ${resource.exitCode}`;
  if (isBusy(resource) && resource.goal) return `on the way to “${resource.goal}”`;
  return "";
}

const sayNeed = ({ name, until }) => `${name} to be ${until}`;

export function waitsFor(name) {
  return store.edges
    .filter((edge) => edge.from === name && !isMet(edge))
    .map((edge) => ({ name: edge.to, until: edge.until }));
}

function isMet({ to, until }) {
  const resource = store.resources.get(to);
  if (!resource) return true;
  if (until === "completed") return resource.state === "completed";
  if (until === "started") return ["running", "ready", "completed"].includes(resource.state);
  return resource.state === "ready" || resource.state === "completed";
}

export const isRedis = (resource) => /^(redis|valkey|garnet)/.test(resource?.kind || "") && !resource.task;

export function endpointOf(resource) {
  if (resource.display) return resource.display;
  const port = resource.ports?.[0];
  return port ? addressOf(port) : "";
}

export function addressOf(port) {
  const scheme = port.scheme && port.scheme !== "tcp" ? `${port.scheme}://` : "";
  return `${scheme}${port.host}:${port.port}`;
}
