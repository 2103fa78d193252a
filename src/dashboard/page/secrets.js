// What a resource gets and gives: connection strings and environment. Secrets are masked until somebody asks, and shown
// until the page is left; the server is asked for one when it is revealed or copied, and not before.
import { post } from "./api.js";
import { h } from "./dom.js";
import { changed } from "./frame.js";
import { visible } from "./text.js";
import { button, copy, copyButton, problem, section, toggle } from "./ui.js";

let own = { name: "", revealed: new Map(), isOwn: false };

export function forgetSecrets(name) {
  own = { name, revealed: new Map(), isOwn: false };
}

// What it gives to others is another environment than its own.
const GIVES = "gives ";

async function reveal(key, name) {
  const path = `/resources/${encodeURIComponent(own.name)}/env/reveal`;
  try {
    const { value } = await post(path, { name, own: key.startsWith(GIVES) });
    return value;
  } catch (error) {
    own.revealed.set(key, { problem: error });
    changed();
    return undefined;
  }
}

async function show(key, name) {
  if (own.revealed.get(key)?.value !== undefined) own.revealed.delete(key);
  else {
    const value = await reveal(key, name);
    if (value !== undefined) own.revealed.set(key, { value });
  }
  changed();
}

async function copySecret(key, name) {
  const value = own.revealed.get(key)?.value ?? (await reveal(key, name));
  if (value !== undefined) copy(value, name);
}

function valueCell(key, name, value, isSecret) {
  if (!isSecret) return [h("span", { class: "mono value" }, visible(value ?? "")), copyButton(value ?? "", name)];
  const known = own.revealed.get(key);
  const shown = known?.value === undefined ? value || "••••••••" : visible(known.value);
  return [
    h("span", { class: "mono value" }, shown),
    button(known?.value === undefined ? "Reveal" : "Hide", () => show(key, name), {
      class: "small",
      "aria-label": `${known?.value === undefined ? "Reveal" : "Hide"} ${name}`,
    }),
    button("Copy", () => copySecret(key, name), { class: "small", "aria-label": `Copy ${name}` }),
    problem(known?.problem),
  ];
}

// What others get who reference it: connection strings, and their parts. display: the first of them, masked.
export function connections(given, display) {
  const found = Object.entries(given || {});
  if (found.length === 0) return null;
  const isString = ([name]) => name.startsWith("ConnectionStrings__");
  return section(
    found.some(isString) ? "Connection strings" : "What others get",
    h(
      "dl",
      { class: "facts wide" },
      found.map(([name, { value, secret }]) =>
        h(
          "div",
          { key: name },
          h("dt", { class: "mono" }, visible(name)),
          h(
            "dd",
            { class: "row" },
            valueCell(GIVES + name, name, isString([name]) ? (value ?? display) : value, secret),
          ),
        ),
      ),
    ),
    button("Copy as .env", () => copyEnv(found), { class: "small" }),
  );
}

async function copyEnv(found) {
  const lines = [];
  for (const [name, { value, secret }] of found)
    lines.push(`${name}=${quoted(secret ? await reveal(GIVES + name, name) : value)}`);
  copy(`${lines.join("\n")}\n`, "connection strings");
}

const quoted = (text = "") => (/^[\w./:@,+=-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

const isOthers = (resource) => resource && resource !== own.name;

export function environment(env, failure) {
  if (failure) return section("Environment", problem(failure));
  const all = Object.entries(env || {});
  if (all.length === 0) return null;
  const some = all.filter(([, variable]) => isOthers(variable.resource) || variable.secret);
  const shown = own.isOwn ? some : all;
  return section(
    "Environment",
    some.length && some.length < all.length
      ? toggle("Only what references bring", own.isOwn, (on) => {
          own.isOwn = on;
          changed();
        })
      : null,
    h(
      "dl",
      { class: "facts wide" },
      shown
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { value, secret, resource }]) =>
          h(
            "div",
            { key: name },
            h(
              "dt",
              { class: "mono" },
              visible(name),
              isOthers(resource) ? h("span", { class: "dim" }, ` from ${visible(resource)}`) : null,
            ),
            h("dd", { class: "row" }, valueCell(name, name, value, secret)),
          ),
        ),
    ),
  );
}
