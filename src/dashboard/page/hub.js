// One stream of events for all tabs of a browser: a browser opens six connections to a host, and one stream a tab
// would leave nothing for the seventh. The hub holds the union of what its tabs show; with nobody there it holds
// nothing.
//
// A port is whatever has postMessage(): a SharedWorker's, or a tab's channel where there is no SharedWorker.
const EVENTS = ["hello", "view", "state", "changes", "stats", "log", "redis", "otel", "session", "lost"];
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 5_000;
const GATHER_MS = 30;
const BATCH_MS = 15;

export class Hub {
  ports = new Map();
  source = null;
  asked = "";
  waitMs = FIRST_WAIT_MS;
  isOpen = false;
  queue = [];
  timer = 0;
  flushing = 0;

  join(port, topics) {
    this.ports.set(port, topics);
    // It may hold nothing: it says that there is somebody. A tab that asks for more than before has missed some.
    port.postMessage(this.isOpen ? [{ event: "link", data: "open" }] : []);
    this.settle(GATHER_MS);
  }

  leave(port) {
    this.ports.delete(port);
    this.settle(GATHER_MS);
  }

  // A tab that asks to try now does not wait for the clock.
  retry() {
    if (!this.isOpen) this.settle(0);
  }

  // Several tabs and topics change at once when a page is turned: one new stream is enough.
  settle(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.reopen(), ms);
  }

  reopen() {
    const wanted = [...new Set([...this.ports.values()].flat())].sort().join(",");
    const isThere = this.source && this.source.readyState !== EventSource.CLOSED;
    if (wanted === this.asked && (isThere || !wanted)) return;
    this.source?.close();
    this.source = null;
    this.asked = wanted;
    if (this.ports.size > 0) this.open(wanted);
  }

  open(topics) {
    const opened = new EventSource(`/api/v1/events?topics=${encodeURIComponent(topics)}`);
    this.source = opened;
    opened.onopen = () => {
      this.waitMs = FIRST_WAIT_MS;
      this.isOpen = true;
      this.tell("link", "open");
    };
    opened.onerror = () => this.failed(opened);
    for (const name of EVENTS) opened.addEventListener(name, (event) => this.pass(name, event.data));
  }

  // The browser tries again by itself only after some errors; by our own clock it is the same after all of them.
  failed(from) {
    if (from !== this.source) return;
    from.close();
    this.isOpen = false;
    this.tell("link", "lost");
    this.settle(this.waitMs);
    this.waitMs = Math.min(this.waitMs * 2, LONGEST_WAIT_MS);
  }

  pass(name, text) {
    this.tell(name, text ? JSON.parse(text) : {});
  }

  // What comes within a frame is handed over at once: a message costs a tab more than what is in it.
  tell(event, data) {
    this.queue.push({ event, data });
    this.flushing ||= setTimeout(() => this.flush(), BATCH_MS);
  }

  flush() {
    this.flushing = 0;
    const events = this.queue;
    this.queue = [];
    for (const [port, topics] of this.ports) port.postMessage(events.filter((one) => isFor(one, topics)));
  }
}

const isFor = ({ event, data }, topics) =>
  event !== "log" || topics.includes("logs:*") || topics.includes(`logs:${data.resource}`);
