// Every page, resource and action by a few letters; and the table of keys.
import { act, labelOf, possible } from "./actions.js";
import { closeDialog, isOpen, show } from "./dialog.js";
import { h } from "./dom.js";
import { changed } from "./frame.js";
import { setFollowing } from "./windowed.js";
import { current, offered } from "./pages.js";
import { go, names } from "./route.js";
import { byName, isRedis, store } from "./store.js";
import { button, remember } from "./ui.js";
import { visible } from "./text.js";

const MOST = 12;

function commands() {
  const pages = offered().map((page) => ({ text: page.text, hint: page.key, run: () => go(page.id) }));
  const resources = [...store.resources.values()].sort(byName).flatMap(ofResource);
  const themes = ["light", "dark", "auto"].map((theme) => ({
    text: `Theme: ${theme}`,
    run: () => remember("theme", theme),
  }));
  return [...pages, ...resources, ...themes, { text: "Keys and help", hint: "?", run: showHelp }];
}

function ofResource(resource) {
  const name = visible(resource.name);
  const found = [
    { text: name, hint: resource.state, run: () => go("resources", resource.name) },
    { text: `Logs of ${name}`, run: () => go("logs", "", { r: names([resource.name]) }) },
    ...possible(resource).map((verb) => ({ text: `${labelOf(verb)} ${name}`, run: () => act(resource, verb) })),
  ];
  if (isRedis(resource) && !store.absent.has("redis"))
    found.push({ text: `Redis ${name}`, run: () => go("redis", resource.name) });
  return found;
}

// All letters in their order; whole words and beginnings come first.
export function score(text, wanted) {
  const where = text.toLowerCase();
  const letters = wanted.toLowerCase().trim();
  const at = where.indexOf(letters);
  if (at === 0) return 0;
  if (at > 0) return where[at - 1] === " " ? 1 : 2;
  let from = 0;
  for (const letter of letters) {
    from = where.indexOf(letter, from) + 1;
    if (from === 0) return Infinity;
  }
  return 3;
}

function found(text, all) {
  if (!text) return all.slice(0, MOST);
  return all
    .map((command) => [score(command.text, text), command])
    .filter(([points]) => points < Infinity)
    .sort(([a, one], [b, other]) => a - b || one.text.length - other.text.length)
    .slice(0, MOST)
    .map(([, command]) => command);
}

export async function openPalette() {
  const all = commands();
  const own = { text: "", at: 0 };
  const chosen = await show((close) => palette(own, found(own.text, all), close), "Commands");
  chosen?.run();
}

function palette(own, shown, close) {
  const move = (by) => {
    own.at = Math.min(shown.length - 1, Math.max(0, own.at + by));
    changed();
  };
  const keys = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => shown[own.at] && close(shown[own.at]),
  };
  return h(
    "div",
    { class: "palette" },
    field(own, shown, keys),
    h(
      "ul",
      { id: "commands", role: "listbox", "aria-label": "Commands" },
      shown.map((command, i) => option(command, i, i === own.at, close)),
    ),
    shown.length ? null : h("p", { class: "empty" }, "Nothing is called like this."),
  );
}

const field = (own, shown, keys) =>
  h("input", {
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "commands",
    "aria-label": "Command",
    "aria-activedescendant": shown.length ? `command-${own.at}` : undefined,
    autofocus: true,
    autocomplete: "off",
    placeholder: "Page, resource or action",
    value: own.text,
    oninput: (event) => {
      Object.assign(own, { text: event.target.value, at: 0 });
      changed();
    },
    onkeydown: (event) => keys[event.key] && use(event, keys[event.key]),
  });

const option = ({ text, hint, ...command }, i, isSelected, close) =>
  h(
    "li",
    { id: `command-${i}`, role: "option", "aria-selected": String(isSelected), onclick: () => close(command) },
    h("span", {}, text),
    hint ? h("span", { class: "dim" }, hint) : null,
  );

// ---- keys ----

const OTHERS = [
  ["/", "Filter the page"],
  [".", "Everything: pages, resources, actions (also Ctrl-K)"],
  ["?", "This help"],
  ["Esc", "Close, or leave a field"],
  ["↓ ↑", "Move in a list; Home, End and the page keys too"],
  ["Enter", "Open what is selected"],
  ["f", "Follow or stop following (logs)"],
  ["Backspace", "Back"],
];

export function showHelp() {
  return show(
    (close) =>
      h(
        "div",
        {},
        h("h2", {}, "Keys"),
        h(
          "dl",
          { class: "keys" },
          [...offered().map((page) => [page.key, page.text]), ...OTHERS].map(([key, text]) =>
            h("div", { key }, h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)),
          ),
        ),
        h(
          "div",
          { class: "row end" },
          button("Close", () => close(), { autofocus: true }),
        ),
      ),
    "Keys",
  );
}

const isTyping = (target) => /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable;

export function hearKeys() {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "k") return use(event, openPalette);
    if (event.ctrlKey || event.metaKey || event.altKey || isOpen()) return undefined;
    if (event.key === "Escape") return escape(event);
    if (isTyping(event.target)) return undefined;
    return press(event);
  });
}

function use(event, run) {
  event.preventDefault();
  run();
}

const KEYS = {
  "?": showHelp,
  ".": openPalette,
  Backspace: () => history.back(),
  f: () => setFollowing("logs", !document.querySelector("#follow[aria-pressed=true]")),
  "/": () => document.querySelector("#filter")?.select(),
};

function press(event) {
  const page = offered().find((one) => one.key === event.key);
  if (page) use(event, () => go(page.id));
  else if (KEYS[event.key]) use(event, KEYS[event.key]);
}

// Out of a field into the page; then whatever the page has open.
function escape(event) {
  closeDialog();
  if (isTyping(event.target)) event.target.blur();
  else current().escape?.();
}
