// The lines that the log pages show: what was asked for, what arrives, and which of it matches the filter.
//
// Lines are kept as they came, up to a bound; colours are parsed when a line is drawn. The order is by time over all
// resources. What was never loaded is fetched from the server's files when somebody scrolls up to it, and so is what
// the stream did not tell: while the tab was hidden, the connection broken, or the reader too slow.
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
const TOLD_MS = 10_000;

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
  clearedMs: 0,
};
let nextId = 1;
let waiting = [];
let told = new Map();
let toldUntil = 0;
let isBehind = false;
let generation = 0;

// resources: names, none for all. Opening what is open already changes nothing, and is false.
export function open(resources, query = {}) {
  const key = JSON.stringify([resources, query]);
  if (logs.key === key) return false;
  generation += 1;
  Object.assign(logs, { key, resources, query, lines: [], shown: [], cursor: null, problem: null });
  Object.assign(logs, { arrived: 0, clearedMs: 0 });
  waiting = [];
  isBehind = false;
  want("logs", resources.length ? resources.map((name) => `logs:${name}`) : ["logs:*"]);
  load({ tail: FIRST });
  return true;
}

export function close() {
  generation += 1;
  logs.key = null;
  logs.lines = logs.shown = [];
  want("logs", []);
}

async function load(more) {
  await during((mine) => pages(more, mine));
}

// One at a time. What the stream tells meanwhile waits until it is known what of it is there already.
async function during(work) {
  const mine = generation;
  logs.isLoading = true;
  changed();
  try {
    await work(mine);
  } catch (problem) {
    if (mine === generation) logs.problem = problem;
  }
  if (mine !== generation) return;
  logs.isLoading = false;
  waiting.splice(0).forEach(append);
  changed();
  if (isBehind) catchUp();
}

const ask = (more) => getLines("/logs", { r: logs.resources.join(","), ...logs.query, ...more });

// A page may hold nothing that is looked for, and say all the same that there is more before it.
async function pages(more, mine) {
  for (let { before } = more, found = 0; !found; before = logs.cursor) {
    const records = await ask({ ...more, before });
    if (mine !== generation) return;
    found = take(records, before);
    if (!logs.cursor || logs.lines.length >= KEPT) return;
  }
}

function take(records, before) {
  logs.problem = null;
  logs.cursor = cursorOf(records);
  if (before) return prepend(linesOf(records));
  begin(linesOf(records));
  expect(logs.lines);
  return 1;
}

const cursorOf = (records) => records.at(-1)?.cursor ?? null;
const linesOf = (records) => records.filter((record) => "line" in record).map(fromRecord);

const fromRecord = ({ resource, stream, time, line, partial }) => makeLine(resource, time, stream, line, partial);

function makeLine(resource, time, stream, text, isPartial) {
  return { id: nextId++, resource, time, stream, text, isPartial: Boolean(isPartial) };
}

// What files hold came by the stream as well, or is about to: each line is taken once. Two that are alike are two.
const signOf = ({ resource, time, stream, text }) => `${resource} ${time} ${stream} ${text}`;

function countOf(lines) {
  const counts = new Map();
  for (const line of lines) counts.set(signOf(line), (counts.get(signOf(line)) || 0) + 1);
  return counts;
}

function takeOne(counts, line) {
  const sign = signOf(line);
  const left = counts.get(sign);
  if (left) counts.set(sign, left - 1);
  return Boolean(left);
}

function begin(lines) {
  logs.lines = lines;
  refilter();
}

// Of these the stream may still tell some.
function expect(lines) {
  told = countOf(lines);
  toldUntil = Date.now() + TOLD_MS;
  waiting = waiting.filter((line) => !takeOne(told, line));
}

function prepend(lines) {
  logs.lines = lines.concat(logs.lines);
  const found = lines.filter(matches);
  logs.shown = isHiding() ? found.concat(logs.shown) : logs.lines;
  shift("logs", isHiding() ? found.length : lines.length);
  return found.length;
}

export function older() {
  if (!hasOlder() || logs.isLoading) return;
  load({ before: logs.cursor, tail: PAGE });
}

export const hasOlder = () => Boolean(logs.cursor) && logs.lines.length < KEPT;

// ---- what the stream did not tell ----

export function catchUp() {
  if (logs.key === null) return;
  isBehind = logs.isLoading;
  if (!isBehind) during(missed);
}

// Back from the end until a line that is known; where none is within reach, what is known has a gap and goes.
async function missed(mine) {
  const known = countOf(logs.lines);
  const isKnown = (line) => known.has(signOf(line));
  let found = [];
  let cursor = null;
  do {
    const records = await ask({ before: cursor, tail: cursor ? PAGE : FIRST });
    if (mine !== generation) return;
    cursor = cursorOf(records);
    found = linesOf(records).concat(found);
  } while (cursor && known.size && found.length < KEPT && !found.some(isKnown));

  expect(found);
  const from = found.findIndex(isKnown);
  if (from < 0) startAnew(found, cursor);
  else found.slice(from).forEach((line) => takeOne(known, line) || append(line));
  trim();
}

function startAnew(found, cursor) {
  begin(found.filter(({ time }) => time > logs.clearedMs));
  logs.cursor = logs.clearedMs ? null : cursor;
}

// ---- from the stream ----

export function hear({ resource, lines }) {
  if (logs.key === null || !isOurs(resource)) return;
  if (Date.now() > toldUntil) told.clear();
  const made = lines
    .map(([time, stream, text, isPartial]) => makeLine(resource, time, stream, text, isPartial))
    .filter((line) => !told.size || !takeOne(told, line));
  if (logs.isLoading) waiting.push(...made);
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
  logs.clearedMs = logs.lines.at(-1)?.time ?? 0;
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
      entry.lines = linesOf(records);
      changed();
    },
    () => {},
  );
  return entry.lines;
}

export const downloadUrl = (resources) =>
  `/api/v1/logs?format=text${resources.length ? `&r=${encodeURIComponent(resources.join(","))}` : ""}`;
