// A tab's end of the stream: through the SharedWorker, or where a browser has none, through whichever tab is first.
//
//   connect(onEvent)      onEvent(name, data); "link" says "open" or "lost"
//   want("page", topics)  what a part of the page shows; a hidden tab wants nothing but the state
import { Hub } from "./hub.js";

const wanted = new Map();
let send = () => {};
let sent = "";

export function connect(onEvent) {
  const hear = ({ data: events }) => events.forEach(({ event, data }) => onEvent(event, data));
  send = openWorker(hear) || openChannel(hear);
  sayTopics();
  document.addEventListener("visibilitychange", sayTopics);
  // A page that comes back from the browser's store of pages has missed what happened.
  addEventListener("pagehide", () => send({ type: "leave" }));
  addEventListener("pageshow", (event) => event.persisted && again());
}

function again() {
  sent = "";
  sayTopics();
}

export function want(part, topics) {
  wanted.set(part, topics);
  sayTopics();
}

export const retryNow = () => send({ type: "retry" });

function sayTopics() {
  const isHidden = document.visibilityState === "hidden";
  const shown = isHidden ? [] : [...wanted.values()].flat();
  const topics = [...new Set(["state", ...shown])].sort();
  if (topics.join() === sent) return;
  sent = topics.join();
  send({ type: "topics", topics });
}

// A worker that could not be loaded says so late, or not at all: who does not join in time is asked again.
const JOIN_MS = 2_000;

function openWorker(hear) {
  if (typeof SharedWorker === "undefined") return null;
  let port = null;
  let timer = 0;
  const heard = (message) => {
    clearTimeout(timer);
    hear(message);
  };
  const begin = (tries) => {
    const worker = new SharedWorker(scriptUrl("/worker.js"), { type: "module", name: `apphost${tries || ""}` });
    port = worker.port;
    port.onmessage = heard;
    const once = () => port === worker.port && instead(worker.port, tries);
    worker.onerror = once;
    timer = setTimeout(once, JOIN_MS);
  };
  const instead = (old, tries) => {
    clearTimeout(timer);
    old.onmessage = null;
    old.postMessage({ type: "leave" });
    begin(tries + 1);
    again();
  };
  begin(0);
  holdLock((name) => port.postMessage({ type: "lock", name }));
  return (message) => port.postMessage(message);
}

// The one place that makes an address of a script; the server's policy allows no other.
const policy = window.trustedTypes?.createPolicy("apphost", {
  createScriptURL: (given) => {
    if (given !== "/worker.js") throw new TypeError("no script of ours");
    return given;
  },
});
const scriptUrl = (path) => policy?.createScriptURL(path) ?? path;

function holdLock(say) {
  const name = `apphost-tab-${crypto.randomUUID()}`;
  navigator.locks?.request(name, () => {
    say(name);
    return new Promise(() => {});
  });
}

// Whoever gets the lock holds the stream for the others, until its tab goes.
function openChannel(hear) {
  const me = crypto.randomUUID();
  const channel = new BroadcastChannel("apphost");
  let hub = null;
  const own = { postMessage: (data) => hear({ data }) };
  const others = new Map();
  const portOf = (tab) => {
    if (!others.has(tab)) others.set(tab, { postMessage: (data) => channel.postMessage({ to: tab, data }) });
    return others.get(tab);
  };
  channel.onmessage = ({ data }) => {
    if (data.to === me) hear({ data: data.data });
    if (data.to === "tabs") again();
    if (data.to === "hub" && hub) obey(hub, portOf(data.tab), data.message);
  };
  const lead = () => {
    hub = new Hub();
    channel.postMessage({ to: "tabs" });
    again();
    return new Promise(() => {});
  };
  if (navigator.locks) navigator.locks.request("apphost-stream", lead);
  else lead();
  return (message) => {
    if (hub) obey(hub, own, message);
    else channel.postMessage({ to: "hub", tab: me, message });
  };
}

function obey(hub, port, message) {
  if (message.type === "topics") hub.join(port, message.topics);
  if (message.type === "retry") hub.retry();
  if (message.type === "leave") hub.leave(port);
}
