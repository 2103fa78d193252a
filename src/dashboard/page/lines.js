// The lines that the log pages show: what was asked for, what arrives, and which of it matches the filter.
//
// Lines are kept as they came, up to a bound; colours are parsed when a line is drawn. The order is by time over all
// resources. Where the beginning was cut away, or never loaded, it is fetched from the server's files when somebody
// scrolls up to it.
import { getLines } from "./api.js";
import { plain } from "./ansi.js";
import { changed } from "./frame.js";
import { want } from "./live.js";
import { shift } from "./windowed.js";

const MOST = 110_000;
const KEPT = 100_000;
const PAGE = 5_000;
const FIRST = 1_000;
const LONGEST_TEST = 4_000;
const BACK = 2_000;

export const logs = {
  key: null,
  resources: [],
  lines: [],
  shown: [],
  cursor: null,
  isLoading: false,
  problem: null,
  filter: null,
  filterProblem: "",
  arrived: 0,
  dropped: 0,
};
let nextId = 1;
let waiting = [];
let generation = 0;

// resources: names, none for all. Opening what is open already changes nothing.
export function open(resources, query = {}) {
  const key = JSON.stringify([resources, query]);
  if (logs.key === key) return;
  generation += 1;
  Object.assign(logs, { key, resources, query, lines: [], shown: [], cursor: null, problem: null, arrived: 0 });
  waiting = [];
  want("logs", resources.length ? resources.map((name) => `logs:${name}`) : ["logs:*"]);
  load({ tail: FIRST });
}

export function close() {
  generation += 1;
  logs.key = null;
  logs.lines = logs.shown = [];
  want("logs", []);
}

async function load(more) {
  const mine = generation;
  logs.isLoading = true;
  changed();
  try {
    const records = await getLines("/logs", { r: logs.resources.join(","), ...logs.query, ...more });
    if (mine === generation) take(records, Boolean(more.before));
  } catch (problem) {
    if (mine === generation) logs.problem = problem;
  }
  if (mine !== generation) return;
  logs.isLoading = false;
  changed();
}

function take(records, isOlder) {
  const last = records.at(-1);
  logs.cursor = last && "cursor" in last ? last.cursor : null;
  const lines = records.filter((record) => "line" in record).map(fromRecord);
  if (isOlder) prepend(lines);
  else begin(lines);
}

const fromRecord = ({ resource, stream, time, line, partial }) => makeLine(resource, time, stream, line, partial);

function makeLine(resource, time, stream, text, isPartial) {
  return { id: nextId++, resource, time, stream, text, isPartial: Boolean(isPartial) };
}

// What arrived while the first page was on its way is there twice: once in the file, once from the stream.
function begin(lines) {
  const seen = new Map();
  for (const line of lines) seen.set(line.resource, line.time);
  logs.lines = lines;
  const later = waiting.filter((line) => !(line.time <= seen.get(line.resource)));
  waiting = [];
  for (const line of later) insert(logs.lines, line);
  refilter();
}

function prepend(lines) {
  logs.lines = lines.concat(logs.lines);
  const found = lines.filter(matches);
  logs.shown = isHiding() ? found.concat(logs.shown) : logs.lines;
  shift("logs", isHiding() ? found.length : lines.length);
}

export function older() {
  if (!logs.cursor || logs.isLoading || logs.lines.length >= KEPT) return;
  const found = {};
  if (isHiding() && logs.filter.text)
    Object.assign(found, { q: logs.filter.text, regex: logs.filter.isRegex ? 1 : "" });
  load({ before: logs.cursor, tail: PAGE, ...found });
}

// ---- from the stream ----

export function hear({ resource, lines }) {
  if (logs.key === null || !isOurs(resource)) return;
  const made = lines.map(([time, stream, text, isPartial]) => makeLine(resource, time, stream, text, isPartial));
  if (logs.isLoading && logs.lines.length === 0) waiting.push(...made);
  else made.forEach(append);
  logs.arrived += made.length;
  trim();
  changed();
}

const isOurs = (resource) => logs.resources.length === 0 || logs.resources.includes(resource);

function append(line) {
  const at = insert(logs.lines, line);
  if (!isHiding()) return shift("logs", 1, at);
  if (matches(line)) shift("logs", 1, insert(logs.shown, line));
}

// Resources report in batches, so that lines of two of them come a little out of order. Gives the line's index.
function insert(array, line) {
  let at = array.length;
  const stop = Math.max(0, at - BACK);
  while (at > stop && array[at - 1].time > line.time) at -= 1;
  if (at === array.length) array.push(line);
  else array.splice(at, 0, line);
  return at;
}

function trim() {
  if (logs.lines.length <= MOST) return;
  const gone = logs.lines.length - KEPT;
  const last = logs.lines[gone - 1];
  logs.lines.splice(0, gone);
  logs.dropped += gone;
  logs.cursor = null;
  if (!isHiding()) return shift("logs", -gone);
  const rest = logs.shown.findIndex((line) => line.time > last.time);
  const count = rest < 0 ? logs.shown.length : rest;
  logs.shown.splice(0, count);
  return shift("logs", -count);
}

export function clear() {
  logs.dropped += logs.lines.length;
  logs.lines = [];
  logs.cursor = null;
  refilter();
}

// ---- filter ----

// isHiding: lines that do not match are left out; else matches are only marked.
export function setFilter({ text, isRegex, isMarking, isStderr }) {
  const key = JSON.stringify([text, isRegex, isMarking, isStderr]);
  if (logs.filter?.key === key) return;
  logs.filterProblem = "";
  logs.filter = { key, text, isRegex, isMarking, isStderr, pattern: compile(text, isRegex) };
  refilter();
}

// A small letter means both; whoever types a capital means it.
function compile(text, isRegex) {
  if (!text) return null;
  const flags = /[A-Z]/.test(text) ? "g" : "gi";
  const source = isRegex ? text : text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  try {
    return new RegExp(source, flags);
  } catch (error) {
    logs.filterProblem = error.message;
    return null;
  }
}

const isHiding = () =>
  Boolean(logs.filter && ((logs.filter.pattern && !logs.filter.isMarking) || logs.filter.isStderr));

function matches(line) {
  const { pattern, isStderr, isMarking } = logs.filter || {};
  if (isStderr && line.stream !== 2) return false;
  if (!pattern || isMarking) return true;
  pattern.lastIndex = 0;
  return pattern.test(plain(line.text).slice(0, LONGEST_TEST)) || line.resource === logs.filter.text;
}

function refilter() {
  logs.shown = isHiding() ? logs.lines.filter(matches) : logs.lines;
  changed();
}

// ---- the last lines of one resource, for failures and details ----

const tails = new Map();

// Asked for once for each stamp: a resource that failed again has other last lines.
export function tailOf(name, stamp, count = 8) {
  const known = tails.get(name);
  if (known && known.stamp === stamp && known.count >= count) return known.lines;
  const entry = { stamp, count, lines: known?.lines || [] };
  tails.set(name, entry);
  getLines("/logs", { r: name, tail: count }).then(
    (records) => {
      entry.lines = records.filter((record) => "line" in record).map(fromRecord);
      changed();
    },
    () => {},
  );
  return entry.lines;
}

export const downloadUrl = (resources) =>
  `/api/v1/logs?format=text${resources.length ? `&r=${encodeURIComponent(resources.join(","))}` : ""}`;
