// Transitions as tries: for each resource, from "somebody wants it" to ready, completed or failed. Pure functions.
const ENDS = new Set(["ready", "completed", "failed", "stopped", "removed", "manual"]);
const GONE = new Set(["stopping", "stopped", "removed", "manual"]);

// [{ name, tries: [{ begin, end, outcome, segments: [{ state, goal, begin, end, detail }] }] }]
export function timelines(transitions, now) {
  const found = new Map();
  for (const transition of transitions) {
    const name = transition.resource;
    if (!name) continue;
    if (!found.has(name)) found.set(name, []);
    take(found.get(name), transition);
  }
  const rows = [];
  for (const [name, tries] of found) {
    for (const one of tries) finish(one, now);
    const real = tries.filter((one) => one.segments.length > 0);
    if (real.length) rows.push({ name, tries: real });
  }
  return rows;
}

function take(tries, { state, goal, timeMs, detail, elapsedMs }) {
  const current = tries.at(-1);
  if (GONE.has(state)) return close(current, timeMs, state);
  if (ENDS.has(state)) return close(current, timeMs, state);
  if (!current || current.end) return tries.push(begin(timeMs, state, goal, detail, elapsedMs));
  const last = current.segments.at(-1);
  if (last.state === state) {
    last.detail = detail || last.detail;
    return undefined;
  }
  last.end = timeMs;
  return current.segments.push({ state, goal, begin: timeMs, detail });
}

// A late page may have missed the first one: elapsedMs tells when the resource was asked for.
function begin(timeMs, state, goal, detail, elapsedMs) {
  const first = elapsedMs > 0 && state !== "restarting" ? timeMs - elapsedMs : timeMs;
  const segments = first < timeMs ? [{ state: "waiting", goal: "waiting", begin: first, end: timeMs }] : [];
  segments.push({ state, goal, begin: timeMs, detail });
  return { begin: first, segments };
}

function close(current, timeMs, state) {
  if (!current || current.end) return;
  current.segments.at(-1).end = timeMs;
  current.end = timeMs;
  current.outcome = state;
}

function finish(one, now) {
  const last = one.segments.at(-1);
  last.end ??= now;
  one.end ??= now;
  one.outcome ??= "under way";
}

const APART_MS = 2_000;

// Tries that overlap are one start: of the whole project, or of what was restarted together. Latest first.
export function starts(rows) {
  const tries = rows
    .flatMap(({ name, tries: own }) => own.map((one) => ({ name, ...one })))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  const found = [];
  for (const one of tries) {
    const last = found.at(-1);
    if (last && one.begin <= last.end + APART_MS && !last.rows.some((row) => row.name === one.name)) {
      last.rows.push(one);
      last.end = Math.max(last.end, one.end);
    } else found.push({ begin: one.begin, end: one.end, rows: [one] });
  }
  return found.reverse();
}

// The one that somebody means by "the start": the latest that is more than a restart of a few.
export function mainStart(found) {
  const most = Math.max(0, ...found.map((start) => start.rows.length));
  return found.find((start) => start.rows.length * 2 > most);
}

// Whoever was last, what that one waited for last, and so on: shortening anything else changes nothing.
export function criticalPath(rows, edges) {
  const byName = new Map(rows.map((row) => [row.name, row]));
  const path = [];
  let row = rows.reduce((last, one) => (!last || one.end > last.end ? one : last), null);
  while (row && !path.includes(row.name)) {
    path.unshift(row.name);
    const name = row.name;
    row = edges
      .filter((edge) => edge.from === name)
      .map((edge) => byName.get(edge.to))
      .filter(Boolean)
      .reduce((last, one) => (!last || one.end > last.end ? one : last), null);
  }
  return path;
}
