// A server's data as a whole: snapshots of it, back to one, commands of a file, nothing; and who is primary. What may
// lose something is allowed first, and asked about; each says what became of it.
import { get, post } from "./api.js";
import { confirm } from "./dialog.js";
import { h } from "./dom.js";
import { changed } from "./frame.js";
import { access } from "./later-redis.js";
import { store } from "./store.js";
import { bytes, count, dateTime, duration, plural, visible } from "./text.js";
import { button, dismiss, empty, problem, say, section, tableOf } from "./ui.js";

const LIMIT_MS = 15 * 60_000;
const SEED_MOST = 900_000;
const loaded = { name: "", list: null, problem: null, isAsking: false };
const form = { name: "", doing: "" };

// A node of a topology holds a part of the data, or a copy: what is done is done to the whole.
const wholeOf = (name) => store.resources.get(name)?.replicaOf || name;
const pathOf = (name, what) => `/redis/${encodeURIComponent(wholeOf(name))}/${what}`;

function load(name) {
  Object.assign(loaded, { name, isAsking: true });
  get(pathOf(name, "snapshots"))
    .then(
      (list) => Object.assign(loaded, { list, problem: null }),
      (error) => Object.assign(loaded, { list: null, problem: error }),
    )
    .finally(() => {
      loaded.isAsking = false;
      changed();
    });
}

export function drawData(name) {
  if (loaded.name !== name) {
    loaded.list = loaded.problem = null;
    load(name);
  }
  const whole = wholeOf(name);
  return h(
    "div",
    { key: `data ${whole}`, class: "columns" },
    section("Snapshots", maker(name), loaded.problem ? problem(loaded.problem) : snapshots(name)),
    section(
      whole === name ? "Everything" : `All of ${visible(whole)}`,
      access.isAllowed ? null : h("p", { class: "dim" }, "“Allow changes” first: these change what it holds."),
      h("div", { class: "row" }, seedField(name), ...others(name, whole)),
    ),
  );
}

const others = (name, whole) => [
  button("Empty it", () => flush(name, whole), { class: "danger", disabled: isIdle() }),
  store.resources.get(name)?.topology
    ? button("Hand over to another primary", () => failover(name, whole), { disabled: isIdle() })
    : null,
];

const isIdle = () => !access.isAllowed || Boolean(form.doing);

// ---- snapshots ----

const maker = (name) =>
  h(
    "form",
    { class: "row", onsubmit: (event) => make(event, name) },
    h("input", {
      id: "filter",
      "aria-label": "Name of a snapshot",
      placeholder: "Name",
      autocomplete: "off",
      value: form.name,
      oninput: (event) => {
        form.name = event.target.value;
        changed();
      },
    }),
    h("button", { type: "submit", disabled: Boolean(form.doing) || !form.name }, "Take a snapshot"),
  );

async function make(event, name) {
  event.preventDefault();
  const snapshot = form.name;
  if (!(await perform(name, "snapshot", { name: snapshot }, `Snapshot ${snapshot} of ${wholeOf(name)}`))) return;
  form.name = "";
  changed();
}

function snapshots(name) {
  if (!loaded.list) return h("p", { class: "empty" }, "Asking…");
  if (loaded.list.length === 0)
    return empty("There is none yet.", "A snapshot is all databases as they are now; a test suite goes back to it.");
  return tableOf(
    "Snapshots",
    ["Name", "Keys", "Size", "Taken", "Of", "Do"],
    loaded.list.map((one) => [
      h("span", { class: "mono" }, visible(one.name)),
      count(one.keys),
      bytes(one.bytes),
      dateTime(one.createdAt),
      visible(one.server || ""),
      h(
        "span",
        { class: "actions" },
        choice("Restore", one.name, () => restore(name, one)),
        choice("Delete", one.name, () => drop(name, one)),
      ),
    ]),
    [1, 2],
  );
}

const choice = (text, which, run) =>
  button(text, run, { class: "small", disabled: isIdle(), "aria-label": `${text} ${which}` });

async function restore(name, { name: snapshot, keys }) {
  const isSure = await confirm({
    title: `Restore ${snapshot}?`,
    text: `Everything in ${wholeOf(name)} is replaced by the ${plural(keys, "key")} of this snapshot.`,
    yes: "Restore",
    typed: wholeOf(name),
  });
  if (isSure) await perform(name, "restore", { name: snapshot }, `Restore ${snapshot}`);
}

async function drop(name, { name: snapshot }) {
  const text = "The file is deleted. What the server holds stays.";
  if (await confirm({ title: `Delete snapshot ${snapshot}?`, text, yes: "Delete" }))
    await perform(name, "drop", { name: snapshot }, `Delete snapshot ${snapshot}`);
}

// ---- all of it ----

async function flush(name, whole) {
  const text = "All keys of all databases are deleted.";
  if (await confirm({ title: `Empty ${whole}?`, text, yes: "Delete everything", typed: whole }))
    await perform(name, "flush", {}, `Empty ${whole}`);
}

async function failover(name, whole) {
  const text = "A replica becomes primary, and who was it follows; no write is lost. Clients connect anew.";
  if (await confirm({ title: `Hand over in ${whole}?`, text, yes: "Hand over" }))
    await perform(name, "failover", {}, `Hand over in ${whole}`);
}

const seedField = (name) =>
  h(
    "label",
    { class: isIdle() ? "button dim" : "button" },
    "Fill from a file of commands…",
    h("input", {
      type: "file",
      class: "unseen",
      "aria-label": "A file of commands",
      disabled: isIdle(),
      onchange: (event) => seed(event, name),
    }),
  );

async function seed(event, name) {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  if (file.size > SEED_MOST) {
    const hint = `apphost redis ${wholeOf(name)} --seed FILE takes it.`;
    say(`${file.name} is larger than ${bytes(SEED_MOST)}`, "bad", hint);
    return;
  }
  await perform(name, "seed", { commands: await file.text() }, `Fill from ${file.name}`);
}

// ---- doing, and saying what became of it ----

// True: it is done.
async function perform(name, what, body, text) {
  form.doing = what;
  const began = Date.now();
  const toast = say(`${text}…`, "busy");
  let outcome;
  try {
    outcome = await post(pathOf(name, what), { ...body, write: access.isAllowed }, { limitMs: LIMIT_MS });
  } catch (error) {
    outcome = { error };
  }
  dismiss(toast);
  form.doing = "";
  store.actions.push({
    timeMs: Date.now(),
    resource: wholeOf(name),
    verb: what,
    took: duration(Date.now() - began),
    error: outcome.error,
  });
  tell(text, what, outcome);
  load(name);
  return !outcome.error;
}

function tell(text, what, { error, done = {} }) {
  if (error) say(`${text}: ${error.message}`, "bad", error.hint || "");
  else say(`${text}: ${resultOf(what, done)}`);
}

function resultOf(what, done) {
  const took = done.elapsedMs === undefined ? "" : ` in ${duration(done.elapsedMs)}`;
  if (what === "failover") return `${done.primary} is primary now, in place of ${done.former}`;
  if (what === "seed") return `${plural(done.commands, "command")}${took}`;
  if (what === "snapshot" || what === "restore") return `${plural(done.keys, "key")}${took}`;
  return `done${took}`;
}
