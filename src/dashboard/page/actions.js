// Start, stop, restart, kill: what may be done with a resource now, and what became of it.
import { post } from "./api.js";
import { changed } from "./frame.js";
import { h } from "./dom.js";
import { confirm } from "./dialog.js";
import { store, waitsFor } from "./store.js";
import { button, dismiss, say } from "./ui.js";
import { duration } from "./text.js";

// As long as a stop may take that asks politely; an answer says what became of it, "sent" says nothing.
const LIMIT_MS = 15 * 60_000;
const DONE = { start: "is up", stop: "is stopped", restart: "was restarted", kill: "was killed" };
const DOING = { start: "Starting", stop: "Stopping", restart: "Restarting", kill: "Killing" };

const underway = new Map();
export const isUnderway = (name) => underway.get(name);

const RUNS = new Set(["running", "ready", "starting", "creating", "pulling", "restarting", "waiting"]);

export function possible(resource) {
  if (!store.session || store.session.state !== "running" || store.link !== "live") return [];
  if (RUNS.has(resource.state)) return ["restart", "stop", "kill"];
  if (resource.state === "stopping") return ["kill"];
  if (resource.state === "failed") return ["restart", "stop"];
  return ["start"];
}

export async function act(resource, verb) {
  const { name } = resource;
  if (verb === "kill" && !(await confirmKill(name))) return;
  const began = Date.now();
  const toast = say(`${DOING[verb]} ${name}…`, "busy");
  underway.set(name, verb);
  changed();
  const outcome = await ask(name, verb);
  underway.delete(name);
  dismiss(toast);
  record(name, verb, began, outcome);
}

async function ask(name, verb) {
  try {
    return await post(`/resources/${encodeURIComponent(name)}/${verb}`, {}, { limitMs: LIMIT_MS });
  } catch (error) {
    return { code: -1, error };
  }
}

function record(name, verb, began, outcome) {
  const took = duration(Date.now() - began);
  store.actions.push({ timeMs: Date.now(), resource: name, verb, took, error: outcome.error });
  if (outcome.error) say(`${verb} ${name}: ${outcome.error.message}`, "bad", outcome.error.hint || "");
  else say(`${name} ${DONE[verb]} (${took})`);
}

const confirmKill = (name) =>
  confirm({
    title: `Kill ${name}?`,
    text: "It gets no time to save anything. “Stop” asks it to end by itself.",
    yes: "Kill",
  });

// What it waits for can be started with the same click: those that nobody started.
export const startable = (resource) =>
  waitsFor(resource.name)
    .map(({ name }) => store.resources.get(name))
    .filter((needed) => needed && possible(needed).includes("start"));

export function actionButtons(resource, props = {}) {
  const doing = isUnderway(resource.name);
  const buttons = possible(resource).map((verb) =>
    button(labelOf(verb), () => act(resource, verb), {
      key: verb,
      class: "small",
      disabled: Boolean(doing),
      "aria-label": `${labelOf(verb)} ${resource.name}`,
      ...props,
    }),
  );
  for (const needed of startable(resource)) {
    buttons.push(
      button(`Start ${needed.name}`, () => act(needed, "start"), {
        key: `needs-${needed.name}`,
        class: "small",
        ...props,
      }),
    );
  }
  return h("span", { class: "actions" }, doing ? h("span", { class: "dim" }, `${DOING[doing]}…`) : null, buttons);
}

export const labelOf = (verb) => verb[0].toUpperCase() + verb.slice(1);
