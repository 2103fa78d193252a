// A stand-in for the dashboard's server: serves the page's folder and the API with made-up data, as much of it as
// asked. What a real project can hardly be made to do (a thousand resources that change, 5,000 lines a second) is
// done by this one.
//
//   const server = await start({ resources: 1000, changes: 500, lines: 100000, rate: 5000 })   changes, rate: a second
//   server.url, server.send(event, data), server.requests (what was posted), await server.stop()
//   node dashboard-stand-in.js [NAME=VALUE…]     for a look by hand
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { telemetry } = require("./dashboard-telemetry.js");

const FOLDER = path.join(__dirname, "../../src/dashboard/page");
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types apphost";
const BATCH_MS = 50;
const HOSTILE = [
  "<img src=x onerror=\"document.title='owned'\">",
  "\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007",
  '\u001b[31m"><script>alert(1)</script>',
  "\u001b]0;title\u0007plain after a title",
  "turned \u202e txt.exe",
  '{"level":"error","message":"</pre><svg onload=alert(1)>"}',
];
const HOSTILE_NAME = "<b onclick=alert(1)>\u202eevil,&name";

// ---- data ----

const FIRST = [
  {
    name: "cache",
    kind: "redis",
    state: "ready",
    health: "healthy",
    image: "redis:7.4",
    port: 6379,
    scheme: "redis",
  },
  {
    name: "sessions",
    kind: "valkey",
    state: "ready",
    health: "healthy",
    image: "valkey/valkey:8",
    port: 6380,
    scheme: "redis",
  },
  { name: "seed", kind: "process", task: true, state: "completed", needs: ["cache"], exitCode: 0 },
  {
    name: "api",
    kind: "process",
    state: "ready",
    health: "healthy",
    needs: ["cache", "sessions", "seed"],
    port: 8080,
    scheme: "http",
  },
  { name: "web", kind: "process", state: "ready", health: "healthy", needs: ["api"], port: 5173, scheme: "http" },
  {
    name: "worker",
    kind: "process",
    state: "failed",
    needs: ["cache"],
    exitCode: 4,
    restarts: 3,
    error: {
      code: "resource-failed",
      message: "worker ended with exit code 4",
      resource: "worker",
      file: "apphost.yaml",
      line: 31,
      column: 3,
      hint: "Its last lines say why; `apphost logs worker` has all of them.",
    },
  },
  { name: "mailer", kind: "process", state: "waiting", needs: ["worker"] },
  { name: "search", kind: "container", state: "pulling", detail: "45 of 180 MB", image: "opensearch:2" },
  {
    name: "proxy",
    kind: "container",
    state: "ready",
    health: "unhealthy",
    image: "nginx:1.27",
    needs: ["web", "api"],
    port: 8443,
    scheme: "https",
  },
  { name: "docs", kind: "process", state: "stopped", wanted: false },
];

function makeRecord(made, i, now) {
  const record = {
    kind: "process",
    node: `${made.kind === "process" ? "process" : "container"}:${made.name}`,
    wanted: true,
    task: false,
    lifetime: "session",
    decision: "created",
    ...made,
  };
  delete record.needs;
  delete record.scheme;
  if (made.port)
    record.ports = [
      {
        endpoint: made.scheme,
        scheme: made.scheme,
        host: "127.0.0.1",
        port: made.port + 20_000,
        targetPort: made.port,
      },
    ];
  if (made.scheme === "redis") record.display = `127.0.0.1:${made.port + 20_000},password=***`;
  if (["ready", "completed"].includes(made.state))
    Object.assign(record, {
      startedAt: now - 3_600_000 + i * 1000,
      readyAt: now - 3_600_000 + i * 1000 + 800,
      pid: 4000 + i,
    });
  return record;
}

function makeResources({ resources, hostile }) {
  const now = Date.now();
  const made = FIRST.slice(0, resources);
  for (let i = made.length; i < resources; i++) {
    made.push({
      name: `service-${i}`,
      kind: "process",
      state: "ready",
      health: "healthy",
      needs: [i % 7 ? "cache" : "api"],
    });
  }
  if (hostile)
    made.push({
      name: HOSTILE_NAME,
      kind: "process",
      state: "failed",
      error: { code: "x", message: HOSTILE[0], hint: HOSTILE[2] },
      needs: ["cache"],
    });
  const edges = made.flatMap((one) =>
    (one.needs || []).map((to) => ({
      from: one.name,
      to,
      until: to === "seed" ? "completed" : "healthy",
      required: true,
    })),
  );
  return { records: made.map((one, i) => makeRecord(one, i, now)), edges };
}

const WORDS = [
  (i) =>
    `\u001b[32mINFO\u001b[0m  request handled \u001b[2mid=${i}\u001b[0m path=/orders/${i % 97} ` +
    `\u001b[36mstatus=200\u001b[0m took=${i % 40}ms`,
  (i) =>
    `\u001b[33mWARN\u001b[0m  slow query: ${120 + (i % 300)} ms ` +
    `\u001b[38;5;208mSELECT\u001b[0m * FROM orders WHERE id = ${i}`,
  (i) => `{"level":"info","time":${i},"message":"job done","queue":"mail","attempt":${i % 3}}`,
  (i) => `\u001b[1;31mERROR\u001b[0m connection refused by \u001b[4m127.0.0.1:5432\u001b[0m (attempt ${i % 9})`,
  (i) => `GET /static/app.${i}.js 304 -`,
];

function makeLine(i, hostile) {
  if (hostile && i % 5 === 0) return HOSTILE[(i / 5) % HOSTILE.length];
  return WORDS[i % 11 === 3 ? 3 : i % 3 === 1 ? 4 : i % 5 === 2 ? 1 : i % 7 === 4 ? 2 : 0](i);
}

// What the supervisor would have told of the start, twice for the one that was restarted.
function makeHistory(records) {
  const told = [];
  const began = Date.now() - 3_600_000;
  const at = (record, ms, state, more = {}) =>
    told.push({
      type: "transition",
      timeMs: began + ms,
      resource: record.name,
      node: record.node,
      state,
      elapsedMs: ms,
      ...more,
    });
  records.slice(0, 200).forEach((record, i) => {
    const from = 200 + i * 350;
    at(record, 5, "waiting", { goal: "waiting", detail: i ? "waiting for cache" : "" });
    if (record.image) at(record, from - 150, "creating", { goal: "created" });
    at(record, from, "starting", { goal: "started" });
    at(record, from + 180, "running", { goal: "ready" });
    at(
      record,
      from + 180 + ((i * 137) % 900),
      { failed: "failed", completed: "completed" }[record.state] || "ready",
      { error: record.error },
    );
  });
  const api = records.find((record) => record.name === "api");
  if (api) {
    at(api, 60_000, "stopping");
    at(api, 60_200, "stopped");
    told.push({
      type: "transition",
      timeMs: began + 60_300,
      resource: "api",
      node: api.node,
      state: "starting",
      goal: "started",
      elapsedMs: 40,
    });
    told.push({
      type: "transition",
      timeMs: began + 60_900,
      resource: "api",
      node: api.node,
      state: "ready",
      goal: "ready",
      elapsedMs: 640,
    });
  }
  return told.sort((a, b) => a.timeMs - b.timeMs).map((one, i) => ({ ...one, rev: i + 1 }));
}

function makeStats(records) {
  const points = {};
  const now = Date.now();
  records.forEach((record, i) => {
    if (!["ready", "running"].includes(record.state)) return;
    points[record.name] = [];
    for (let t = 60; t > 0; t--)
      points[record.name].push([now - t * 2000, usage(i, t)[0], usage(i, t)[1], 1 + (i % 4)]);
  });
  return { intervalMs: 2000, points };
}

const usage = (i, t) => [
  Math.abs(Math.sin(t / 6 + i)) * (3 + (i % 5) * 6),
  (30 + (i % 9) * 22 + Math.sin(t / 9 + i) * 6) * 1e6,
];

// ---- the server ----

async function start(options = {}) {
  const given = {
    resources: 10,
    changes: 0,
    lines: 200,
    rate: 0,
    hostile: false,
    token: "abc123",
    port: 0,
    ...options,
  };
  const { records, edges } = makeResources(given);
  const state = {
    ...given,
    records,
    edges,
    streams: new Set(),
    requests: [],
    rev: 1000,
    line: 0,
    tick: 0,
    lastLogs: [],
    session: "running",
    snapshots: [{ name: "clean", keys: 17, bytes: 4200, createdAt: Date.now() - 60_000, server: "redis 7.4.1" }],
  };
  for (let i = 0; i < Math.min(given.lines, 200_000); i++)
    state.lastLogs.push(nextLine(state, Date.now() - (given.lines - i) * 3));
  const server = http.createServer((request, response) => answer(state, request, response));
  await new Promise((resolve) => server.listen(given.port, "127.0.0.1", resolve));
  const timers = [setInterval(() => stream(state), BATCH_MS), setInterval(() => tellStats(state), 2000)];
  const send = (event, data) => tell(state, event, data, () => true);
  return {
    url: `http://127.0.0.1:${server.address().port}/#t=${given.token}`,
    port: server.address().port,
    state,
    requests: state.requests,
    send,
    stop: () => {
      timers.forEach(clearInterval);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

function nextLine(state, time) {
  const i = state.line++;
  const record = state.records[i % Math.min(state.records.length, 6)];
  return { resource: record.name, stream: i % 11 === 3 ? 2 : 1, time, line: makeLine(i, state.hostile) };
}

function tell(state, event, data, isWanted) {
  const text = `id: ${state.rev}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  for (const one of state.streams) if (isWanted(one.topics)) one.response.write(text);
}

function stream(state) {
  const part = BATCH_MS / 1000;
  const batches = new Map();
  for (let n = 0; n < state.rate * part; n++) {
    const line = nextLine(state, Date.now() + n / 1000);
    if (!batches.has(line.resource)) batches.set(line.resource, []);
    batches.get(line.resource).push([line.time, line.stream, line.line]);
  }
  for (const [resource, lines] of batches)
    tell(
      state,
      "log",
      { resource, lines },
      (topics) => topics.includes("logs:*") || topics.includes(`logs:${resource}`),
    );
  for (let n = 0; n < state.changes * part; n++)
    change(state, state.records[(state.tick++ * 7) % state.records.length]);
}

function tellChange(state, record, elapsedMs) {
  const { name: resource, node, state: to } = record;
  const transition = { type: "transition", timeMs: Date.now(), resource, node, state: to, elapsedMs };
  state.rev += 1;
  tell(state, "state", { rev: state.rev, transition }, () => true);
  tell(state, "changes", { rev: state.rev, resources: [record] }, () => true);
}

function change(state, record) {
  const isUp = record.state === "ready";
  Object.assign(record, {
    state: isUp ? "restarting" : "ready",
    restarts: (record.restarts || 0) + (isUp ? 1 : 0),
    error: undefined,
  });
  tellChange(state, record, 1);
}

function tellStats(state) {
  const points = {};
  state.tick += 1;
  state.records.forEach((record, i) => {
    if (record.state === "ready") points[record.name] = [...usage(i, -state.tick), 1 + (i % 4)];
  });
  tell(state, "stats", { timeMs: Date.now(), points }, (topics) => topics.includes("stats"));
  tell(
    state,
    "redis",
    {
      resource: "cache",
      ops: 900 + (state.tick % 40) * 7,
      hits: 800,
      misses: 24,
      memory: 9.1e6 + state.tick * 1000,
      clients: 4,
    },
    (topics) => topics.includes("redis:cache"),
  );
}

const view = (state) => ({
  rev: state.rev,
  project: "shop",
  hash: "0119ad7c",
  session: "fb76",
  manifest: "/home/dev/shop/apphost.yaml",
  engine: { connected: true },
  resources: state.records,
  others: [],
});

// ---- answers ----

function json(response, status, body, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

function answer(state, request, response) {
  const address = new URL(request.url, "http://x");
  response.setHeader("Content-Security-Policy", POLICY);
  if (!address.pathname.startsWith("/api/v1")) return file(address.pathname, response);
  const parts = address.pathname.slice("/api/v1".length).split("/").filter(Boolean).map(decodeURIComponent);
  if (parts[0] !== "login" && !(request.headers.cookie || "").includes(`apphost_stand=${state.token}`)) {
    return json(response, 401, { code: "unauthorized", message: "who are you?" });
  }
  if (request.method === "GET") return get(state, parts, address.searchParams, request, response);
  return body(request, (given) => change_(state, parts, given, request.method, response));
}

function file(name, response) {
  const found = path.join(FOLDER, name === "/" ? "index.html" : path.basename(name));
  if (!fs.existsSync(found)) return json(response, 404, { code: "not-found", message: "no such file" });
  response.writeHead(200, {
    "Content-Type": `${TYPES[path.extname(found)]}; charset=utf-8`,
    "Cache-Control": "no-cache",
  });
  return fs.createReadStream(found).pipe(response);
}

function body(request, then) {
  let text = "";
  request.on("data", (chunk) => {
    text += chunk;
  });
  request.on("end", () => then(text ? JSON.parse(text) : {}));
}

function get(state, parts, query, request, response) {
  if (parts[0] === "events") return openStream(state, query, request, response);
  if (parts[0] === "logs") return sendLogs(state, query, response);
  if (parts[0] === "resources") return sendResource(state, parts, query, response);
  if (parts[0] === "redis") return json(response, 200, redis(parts[2], query, state));
  if (parts[0] === "traces" || parts[0] === "telemetry") return json(response, 200, telemetry(parts, query));
  const found = {
    session: () => ({
      state: state.session,
      project: "shop",
      session: { id: "fb76", version: "0.9", pid: 1 },
      dashboard: { version: "0.9", epoch: "1" },
    }),
    view: () => view(state),
    graph: () => ({ edges: state.edges }),
    stats: () => makeStats(state.records),
    history: () => ({
      rev: state.rev,
      items: makeHistory(state.records).map((transition) => ({ type: "transition", ...transition })),
    }),
  }[parts[0]];
  return found
    ? json(response, 200, found())
    : json(response, 404, { code: "not-found", message: "no such route" });
}

function openStream(state, query, request, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  const one = { response, topics: query.get("topics").split(",") };
  state.streams.add(one);
  response.on("error", () => {});
  request.on("close", () => state.streams.delete(one));
  response.write(`event: hello\ndata: {"epoch":"1","state":"${state.session}"}\n\n`);
  if (state.session !== "no-session")
    response.write(`id: ${state.rev}\nevent: view\ndata: ${JSON.stringify(view(state))}\n\n`);
}

function sendLogs(state, query, response) {
  const wanted = (query.get("r") || "").split(",").filter(Boolean);
  const before = query.has("before") ? Number(query.get("before")) : state.lastLogs.length;
  const found = state.lastLogs
    .slice(0, before)
    .map((line, i) => [line, i])
    .filter(([line]) => wanted.length === 0 || wanted.includes(line.resource))
    .slice(-Number(query.get("tail") || 500));
  const cursor = found.length && found[0][1] > 0 ? String(found[0][1]) : null;
  response.writeHead(200, { "Content-Type": "application/x-ndjson" });
  response.end(`${found.map(([line]) => JSON.stringify(line)).join("\n")}\n${JSON.stringify({ cursor })}\n`);
}

const ENVIRONMENT = {
  ConnectionStrings__cache: { value: null, secret: true, resource: "cache" },
  CACHE_HOST: { value: "127.0.0.1", secret: false, resource: "cache" },
  PATH: { value: "/usr/local/bin:/usr/bin:/bin", secret: false },
  NODE_ENV: { value: "development", secret: false },
  API_KEY: { value: null, secret: true },
};

function sendResource(state, parts, query, response) {
  const resource = state.records.find((record) => record.name === parts[1]);
  if (!resource)
    return json(response, 404, { code: "unknown-resource", message: `no resource is called ${parts[1]}` });
  if (parts[2] === "env") return json(response, 200, query.has("own") ? given(resource) : ENVIRONMENT);
  const before = (ms) => new Date(Date.now() - ms).toISOString();
  const command = ["node", "server.js", "--port", "8080"].map((text) => ({ text }));
  const details = { spec: { run: { command, working_dir: "/home/dev/shop/api" } } };
  if (resource.image)
    details.container = {
      health: {
        checks: [
          { startedAt: before(9000), exitCode: 1, output: "connection refused" },
          { startedAt: before(4000), exitCode: 0, output: "PONG" },
        ],
      },
    };
  return json(response, 200, { resource, details });
}

// What others get who reference it.
function given({ name, display }) {
  if (!display) return {};
  return {
    [`ConnectionStrings__${name}`]: { value: null, secret: true, resource: name },
    [`${name.toUpperCase()}_HOST`]: { value: "127.0.0.1", secret: false, resource: name },
  };
}

function change_(state, parts, given, method, response) {
  state.requests.push({ method, parts, given });
  if (parts[0] === "login") {
    if (given.token !== state.token) return json(response, 401, { code: "unauthorized", message: "a wrong token" });
    return json(response, 204, undefined, {
      "Set-Cookie": `apphost_stand=${state.token}; HttpOnly; SameSite=Strict; Path=/`,
    });
  }
  if (parts[0] === "redis") return json(response, 200, redisPost(parts, given));
  if (parts[2] === "env") return json(response, 200, { value: "127.0.0.1:26379,password=s3cret" });
  const record = state.records.find((one) => one.name === parts[1]);
  if (!record) return json(response, 404, { code: "unknown-resource", message: "no such resource" });
  if (record.name === "worker" && parts[2] !== "stop") {
    return json(response, 200, {
      code: 6,
      error: { code: "resource-failed", message: "worker ended with exit code 4", hint: "Its last lines say why." },
    });
  }
  Object.assign(record, { state: ["stop", "kill"].includes(parts[2]) ? "stopped" : "ready", error: undefined });
  tellChange(state, record, 200);
  return setTimeout(() => json(response, 200, { code: 0, view: view(state) }), 150);
}

// ---- Redis ----

const KEYS = [
  "user:1",
  "user:2",
  "user:1:cart",
  "user:2:cart",
  "session:4f",
  "session:8a",
  "queue:mail",
  "leaderboard",
  "config",
  "big",
  "events",
  "tags",
  "Shop:cache:front",
  "<script>alert(1)</script>",
  '"onx=',
  "turned\u202egnp.exe",
  { b64: "/wAx" },
];
const KINDS = [
  "hash",
  "hash",
  "list",
  "list",
  "string",
  "string",
  "list",
  "zset",
  "string",
  "string",
  "stream",
  "set",
  "hash",
  "string",
  "string",
  "string",
  "string",
];

function redis(what, query, state) {
  const found = {
    info: () => ({
      sections: {
        server: {
          redis_version: "7.4.1",
          uptime_in_seconds: "3600",
          executable: "/usr/local/bin/redis-server",
          tcp_port: "6379",
        },
        memory: {
          used_memory: "9120000",
          used_memory_peak: "12000000",
          maxmemory: "0",
          maxmemory_policy: "noeviction",
          mem_fragmentation_ratio: "1.21",
        },
        stats: {
          instantaneous_ops_per_sec: "1013",
          keyspace_hits: "8421",
          keyspace_misses: "312",
          total_commands_processed: "1200344",
          expired_keys: "44",
          evicted_keys: "0",
        },
        clients: { connected_clients: "4", blocked_clients: "0" },
        persistence: {
          rdb_last_save_time: "1750000000",
          aof_enabled: "0",
          rdb_changes_since_last_save: "12",
          rdb_last_bgsave_status: "ok",
        },
        replication: { role: "master", connected_slaves: "0" },
      },
      keyspace: [
        { db: 0, keys: KEYS.length, expires: 3, avgTtl: 60000 },
        { db: 2, keys: 5, expires: 0, avgTtl: 0 },
      ],
    }),
    slowlog: () => [
      {
        id: 2,
        timeMs: Date.now() - 60_000,
        us: 23_400,
        argv: ["HGETALL", "user:1"],
        client: "127.0.0.1:5000",
        name: "api",
      },
      { id: 1, timeMs: Date.now() - 90_000, us: 11_000, argv: ["KEYS", "*"], client: "127.0.0.1:5001", name: "" },
    ],
    clients: () => [
      {
        id: "3",
        addr: "127.0.0.1:5000",
        name: "api",
        age: "3600",
        idle: "2",
        db: "0",
        cmd: "get",
        "tot-mem": "22000",
      },
    ],
    commandstats: () => [
      {
        command: "get",
        calls: 90_211,
        usec: 180_000,
        usecPerCall: 1.99,
        failed: 0,
        rejected: 0,
        p50: 1.0,
        p99: 9.02,
      },
      {
        command: "hgetall",
        calls: 211,
        usec: 40_000,
        usecPerCall: 189.5,
        failed: 2,
        rejected: 0,
        p50: 90,
        p99: 1100,
      },
    ],
    latency: () => [],
    snapshots: () => state.snapshots,
    keys: () => keys(query),
    key: () => value(query, state),
  }[what];
  return found();
}

function keys(query) {
  const all = KEYS.map((key, i) => ({
    key,
    type: KINDS[i],
    ttlMs: i % 4 === 0 ? 90_000 : -1,
    bytes: 64 + i * 100,
    encoding: "listpack",
    length: i + 1,
  }));
  const wanted = (query.get("match") || "*")
    .replace(/[.+^${}()|\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  const found = all
    .filter((one) => typeof one.key === "object" || new RegExp(`^${wanted}$`).test(one.key))
    .filter((one) => !query.get("type") || one.type === query.get("type"));
  return { cursor: "0", total: KEYS.length, keys: found };
}

function value(query) {
  const key = query.get("key");
  const at = KEYS.indexOf(key);
  const type = at < 0 ? "string" : KINDS[at];
  const data = {
    string: {
      data:
        key === "config" ? '{"theme":"dark","limit":20,"nested":{"a":[1,2,3]}}' : "<img src=x onerror=alert(1)>",
      offset: 0,
      length: 52,
    },
    hash: [
      ["name", "Ada"],
      ["mail", "ada@example.com"],
      ["<b>", "</b>"],
    ],
    list: ["one", "two", "three"],
    set: ["red", "green"],
    zset: [
      ["ada", 120.5],
      ["bob", 99],
    ],
    stream: [
      {
        id: "1-0",
        fields: [
          ["kind", "order"],
          ["id", "7"],
        ],
      },
    ],
  }[type];
  const entry =
    key === "Shop:cache:front"
      ? { cacheEntry: { absexp: Date.now() + 60_000, sldexp: 30_000, data: '{"page":"front"}', length: 16 } }
      : {};
  return { key, type, ttlMs: -1, bytes: 120, encoding: "listpack", length: 3, value: data, ...entry };
}

// As the command says it, `apphost -o json redis …`.
function done([, resource, action], { name }) {
  if (action === "failover") return { code: 0, done: { action, primary: `${resource}-2`, former: `${resource}-1` } };
  const counted = { keys: 17, databases: 1, commands: 0, bytes: 4200, elapsedMs: 5 };
  return { code: 0, done: { resource, action, name, ...counted } };
}

function redisPost(parts, given) {
  if (parts[2] !== "command") return done(parts, given);
  if (given.argv[0].toUpperCase() === "PING") return { reply: "PONG" };
  if (given.argv[0].toUpperCase() === "HGETALL")
    return {
      reply: {
        map: [
          ["name", "Ada"],
          ["n", 3],
        ],
      },
    };
  return { reply: ["one", 2, null, { error: "ERR nested" }] };
}

module.exports = { start, HOSTILE, HOSTILE_NAME };

if (require.main === module) {
  const options = Object.fromEntries(
    process.argv
      .slice(2)
      .map((text) => text.split("="))
      .map(([name, text]) => [name, /^\d+$/.test(text) ? Number(text) : text]),
  );
  start(options).then((server) => console.log(server.url));
}
