// Small parts that all pages are made of.
import { h } from "./dom.js";
import { changed } from "./frame.js";
import { isFailed, tone, why } from "./store.js";
import { visible } from "./text.js";

export const button = (label, onclick, props = {}) => h("button", { type: "button", onclick, ...props }, label);

export const section = (title, ...content) => {
  const id = `s-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return h("section", { key: id, class: "card", "aria-labelledby": id }, h("h2", { id }, title), content);
};

// Pairs that have nothing to say are left out.
export const facts = (pairs) =>
  h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => value !== undefined && value !== null && value !== "" && value !== false)
      .map(([name, value]) => h("div", { key: name }, h("dt", {}, name), h("dd", {}, value))),
  );

export const empty = (text, hint) =>
  h("p", { class: "empty" }, text, hint ? h("span", { class: "dim" }, ` ${hint}`) : null);

const WORDS = { "engine-lost": "engine lost" };

// The state as a mark and as a word, so that nobody has to know colours.
export function state(resource) {
  const word = WORDS[resource.state] || resource.state || "unknown";
  const shown = isFailed(resource) && resource.state !== "failed" ? `${word} !` : word;
  return h(
    "span",
    { class: `state t-${tone(resource)}` },
    h("span", { class: "mark", "aria-hidden": "true" }),
    shown,
  );
}

export const reason = (resource) => {
  const text = why(resource);
  return text ? h("span", { class: `why t-${tone(resource)}`, title: text }, visible(text)) : null;
};

export function problem(error, again) {
  if (!error) return null;
  return h(
    "div",
    { class: "notice t-bad", role: "alert" },
    h("strong", {}, visible(error.message)),
    error.hint ? h("span", {}, ` ${error.hint}`) : null,
    again ? button("Try again", again, { class: "small" }) : null,
  );
}

// ---- what became of things: said once, for eyes and for screen readers ----

export const toasts = [];
let nextToast = 1;
const TOAST_MS = 8_000;

export function say(text, kind = "good", hint = "") {
  const toast = { id: nextToast++, text, kind, hint };
  toasts.push(toast);
  if (toasts.length > 4) toasts.shift();
  if (kind !== "busy") setTimeout(() => dismiss(toast), kind === "bad" ? TOAST_MS * 4 : TOAST_MS);
  changed();
  return toast;
}

export function dismiss(toast) {
  const at = toasts.indexOf(toast);
  if (at < 0) return;
  toasts.splice(at, 1);
  changed();
}

export const showToasts = () =>
  h(
    "div",
    { class: "toasts", role: "status", "aria-live": "polite" },
    toasts.map((toast) =>
      h(
        "div",
        { key: toast.id, class: `toast t-${toast.kind}` },
        h("span", { class: "mark", "aria-hidden": "true" }),
        h(
          "span",
          {},
          visible(toast.text),
          toast.hint ? h("span", { class: "dim" }, ` ${visible(toast.hint)}`) : null,
        ),
        button("×", () => dismiss(toast), { class: "bare", "aria-label": "Dismiss" }),
      ),
    ),
  );

// ---- copying ----

export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
    say(`Copied ${what}`);
  } catch {
    say(`The browser did not let us copy ${what}`, "bad");
  }
}

export const copyButton = (text, what, props = {}) =>
  button("Copy", () => copy(typeof text === "function" ? text() : text, what), {
    class: "small",
    "aria-label": `Copy ${what}`,
    ...props,
  });

// ---- choices that are remembered in this browser ----

const choices = new Map();

// Read once: a page that is drawn sixty times a second does not ask the disk as often.
export function remembered(name, fallback) {
  if (!choices.has(name)) choices.set(name, stored(name));
  return choices.get(name) ?? fallback;
}

function stored(name) {
  try {
    return localStorage.getItem(`apphost.${name}`);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  choices.set(name, value);
  try {
    localStorage.setItem(`apphost.${name}`, value);
  } catch {
    // A browser that keeps nothing: the choice holds until the page is closed.
  }
  changed();
}

export const toggle = (label, isOn, onchange, props = {}) =>
  h(
    "button",
    {
      type: "button",
      class: "toggle",
      "aria-pressed": String(Boolean(isOn)),
      onclick: () => onchange(!isOn),
      ...props,
    },
    label,
  );

export const tabs = (label, items, current, addressOf) =>
  h(
    "nav",
    { class: "tabs", "aria-label": label },
    items.map(([id, text]) =>
      h("a", { key: id, href: addressOf(id), "aria-current": id === current ? "page" : undefined }, text),
    ),
  );

// A table of few rows.
export const table = (label, heads, rows) =>
  h(
    "div",
    { class: "scroll", tabindex: "0", role: "group", "aria-label": label },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((head) => h("th", { scope: "col" }, head)),
        ),
      ),
      h("tbody", {}, rows),
    ),
  );

// The same, from rows of cells: the first is the row's head, and those at the places in numbers are figures.
export const tableOf = (label, heads, rows, numbers = []) =>
  table(
    label,
    heads,
    rows.map((cells, key) =>
      h(
        "tr",
        { key },
        cells.map((cell, i) => tableCell(cell, i, numbers)),
      ),
    ),
  );

function tableCell(cell, i, numbers) {
  if (i === 0) return h("th", { scope: "row" }, cell);
  return h("td", { class: numbers.includes(i) ? "num" : undefined }, cell);
}

const narrow = matchMedia("(max-width: 640px)");
narrow.addEventListener("change", () => changed());
export const isNarrow = () => narrow.matches;
