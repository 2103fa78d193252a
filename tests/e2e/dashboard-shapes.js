// What the stand-in of the tests answers has to be what the real program answers: each member that the stand-in has,
// the real one has too, or it stands in the table of what only other data bring.
// Usage: node dashboard-shapes.js URL      URL: as `apphost dashboard --url` says. Exit code 1: names what is made up.
//
// The stand-in's telemetry is sent to the real one first: its shape is OTLP/JSON for both.
const fs = require("node:fs");
const path = require("node:path");
const { start } = require("./dashboard-stand-in.js");
const { telemetry, TRACE } = require("./dashboard-telemetry.js");

const ROUTES = [
  "session",
  "view",
  "graph",
  "stats",
  "history",
  "resources/cache",
  "resources/api/env",
  "resources/cache/env?own=1",
  "logs?tail=5",
  "redis/cache/info",
  "redis/cache/slowlog",
  "redis/cache/clients",
  "redis/cache/commandstats",
  "redis/cache/latency",
  "redis/cache/snapshots",
  "redis/cache/keys",
  "redis/cache/key?key=user:1",
  "redis/cache/key?key=config",
  "redis/cache/key?key=events",
  "redis/cache/key?key=Shop:cache:front",
  "traces",
  `traces/${TRACE}`,
  "telemetry",
  "telemetry/logs",
  "telemetry/metrics",
  "telemetry/metrics?name=http.hits",
];

// Posted to both, in this order.
const POSTS = [
  ["redis/cache/command", { argv: ["PING"] }],
  ["redis/cache/snapshot", { name: "shape" }],
  ["redis/cache/restore", { name: "shape", write: true }],
  ["redis/cache/seed", { commands: "PING", write: true }],
  ["resources/api/env/reveal", { name: "CACHE_PASSWORD" }],
  ["resources/api/restart", {}],
];

// Keys that are names of something: what stands behind any of them is one shape.
const MAPS = [/^stats\.points$/, /\/env[^.]*$/];

// What this project's data do not bring: the source that writes a member of that name.
const SOURCES = [
  [/^(view|resources\/api\/restart\.view)\.resources\[\]\./, "src/control/view.c"],
  [/^resources\/cache\.resource\./, "src/control/view.c"],
  [/^history\.items\[\]\.error(\.|$)/, "src/control/view.c"],
  [/^resources\/cache\.details\.container/, "src/supervisor/details.c"],
];

function isWritten(member) {
  const found = SOURCES.find(([pattern]) => pattern.test(member));
  const name = member.replace(/\[\]/g, "").split(".").at(-1);
  return Boolean(found) && fs.readFileSync(path.join(__dirname, "../..", found[1]), "utf8").includes(`"${name}"`);
}

function shapeOf(value, at, into) {
  into.add(at);
  if (Array.isArray(value)) value.forEach((item) => shapeOf(item, `${at}[]`, into));
  else if (value && typeof value === "object") {
    const isMap = MAPS.some((pattern) => pattern.test(at));
    for (const [key, item] of Object.entries(value)) shapeOf(item, `${at}.${isMap ? "*" : key}`, into);
  }
  return into;
}

const readLines = (text) => text.trim().split("\n").map((line) => JSON.parse(line));

async function ask(base, headers, route, body) {
  const posted = body && { method: "POST", body: JSON.stringify(body) };
  const given = { ...headers, "Content-Type": "application/json" };
  const response = await fetch(`${base}/api/v1/${route}`, { headers: given, ...posted });
  const text = await response.text();
  if (response.status !== 200) return { "(status)": response.status };
  return route.startsWith("logs") ? readLines(text) : JSON.parse(text);
}

async function sendTelemetry(port) {
  const none = new URLSearchParams();
  const trace = telemetry(["traces", TRACE], none);
  const bodies = {
    traces: { resourceSpans: trace.resourceSpans },
    logs: { resourceLogs: trace.resourceLogs },
    metrics: telemetry(["telemetry", "metrics"], new URLSearchParams("name=http.hits")),
  };
  for (const metric of bodies.metrics.resourceMetrics[0].scopeMetrics[0].metrics)
    Object.assign(metric, { unit: "1", description: "how many" });
  for (const [signal, body] of Object.entries(bodies)) {
    const headers = { "Content-Type": "application/json" };
    await fetch(`http://127.0.0.1:${port}/v1/${signal}`, { method: "POST", headers, body: JSON.stringify(body) });
  }
}

// Figures are measured while somebody looks: until there are some.
async function watchFigures(base, headers) {
  const leave = new AbortController();
  await fetch(`${base}/api/v1/events?topics=stats`, { headers, signal: leave.signal });
  for (let tries = 0; tries < 600; tries++) {
    const { points } = await ask(base, headers, "stats");
    if (Object.keys(points).length) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  leave.abort();
}

async function main(url) {
  const [address, token] = url.split("/#t=");
  const real = [address.replace(/\/\/[^:]*/, "//127.0.0.1"), { Authorization: `Bearer ${token}` }];
  const server = await start({});
  const made = [`http://127.0.0.1:${server.port}`, { Cookie: `apphost_stand=${server.state.token}` }];
  await sendTelemetry((await ask(...real, "session")).dashboard.otlpPort);
  await watchFigures(...real);
  let isTrue = true;
  for (const [route, body] of [...POSTS, ...ROUTES.map((path) => [path])]) {
    const name = route.split("?")[0];
    const known = shapeOf(await ask(...real, route, body), name, new Set());
    for (const member of shapeOf(await ask(...made, route, body), name, new Set())) {
      if (known.has(member) || isWritten(member)) continue;
      isTrue = false;
      console.log(`${route}: only the stand-in has ${member}`);
    }
  }
  await server.stop();
  return isTrue ? 0 : 1;
}

main(process.argv[2]).then((code) => process.exit(code));
