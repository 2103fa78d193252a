// From an opened tab to a live page: the token, the session, the stream; and again after each loss.
import { get, post, whenLoggedOut } from "./api.js";
import { connect, retryNow } from "./live.js";
import { replace } from "./route.js";
import * as store from "./store.js";
import { catchUp, hear as hearLogs } from "./lines.js";

// The token is in the fragment, which no server and no referrer sees, and leaves the address bar at once.
export async function logIn() {
  const found = /^#t=([0-9a-f.]+)$/i.exec(location.hash);
  if (!found) return;
  replace("#/resources");
  await useToken(found[1]).catch(() => store.setLink("logged-out"));
}

export async function useToken(token) {
  await post("/login", { token: token.trim().replace(/^.*#t=/, "") });
}

export async function start() {
  whenLoggedOut(() => store.setLink("logged-out"));
  await logIn();
  connect(hear);
  // Asked for beside the stream, so that something is there before the worker has begun.
  loadView();
  await loadSession();
}

// Why there is no stream: nobody answers, or we are not known any more. The stream itself cannot tell.
async function loadSession() {
  try {
    store.applySession(await get("/session"));
  } catch (problem) {
    if (problem.status === 503) store.applySession({ state: "no-session" });
  }
}

// What changes slowly is asked for after each connect; each by itself, because one may not be had. A page that the
// server has no data for is not offered.
function loadRest() {
  ask("graph", "/graph", ({ edges }) => store.applyEdges(edges));
  ask("startup", "/history", store.applyHistory);
  ask("stats", "/stats", store.applyStatsHistory);
  const server = [...store.store.resources.values()].find(store.isRedis);
  if (server) ask("redis", `/redis/${encodeURIComponent(server.name)}/clients`, () => {});
}

const NOT_THERE = [404, 501];

function ask(page, path, take) {
  get(path).then(
    (data) => store.setOffered(page, take(data) !== false),
    (problem) => store.setOffered(page, !NOT_THERE.includes(problem.status)),
  );
}

function hear(event, data) {
  if (event === "link") hearLink(data);
  else if (event === "log") hearLogs(data);
  else HANDLERS[event]?.(data);
}

// Whose slow data we have: another session has others, and what was told while we heard nothing is asked for.
let restOf = "";

const HANDLERS = {
  hello: ({ state }) => {
    restOf = "";
    store.setLink("live");
    store.applySession({ state });
    loadSession();
  },
  view: (view) => {
    store.applyView(view);
    const whose = `${view.session} ${view.resources.length}`;
    if (whose !== restOf) loadRest();
    restOf = whose;
  },
  state: store.applyState,
  changes: store.applyChanges,
  stats: store.applyStats,
  redis: store.applyRedis,
  session: store.applySession,
  lost: ({ topic }) => topic === "logs" && catchUp(),
};

// A stream that is back within a moment was no loss worth a word.
const GRACE_MS = 1_500;
let losing = 0;

function hearLink(data) {
  clearTimeout(losing);
  losing = 0;
  if (data === "open") {
    store.setLink("live");
    catchUp();
    if (!store.store.view) loadView();
  } else if (store.store.link === "live" || store.store.link === "connecting") {
    losing = setTimeout(lose, GRACE_MS);
    loadSession();
  }
}

function lose() {
  if (store.store.link !== "logged-out") store.setLink("lost");
}

// A tab that joins a stream which is open already gets no first view of its own.
function loadView() {
  get("/view").then(HANDLERS.view, () => {});
}

export async function enter(token) {
  await useToken(token);
  store.setLink("connecting");
  retryNow();
  await loadSession();
}
