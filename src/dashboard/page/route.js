// What is shown stands in the address: "#/logs?r=api,web&q=error". One document, no route that the server would
// protect. Going somewhere makes an entry of the history; a filter that is typed replaces the one that is there.
import { changed } from "./frame.js";

let current = parse(location.hash);

export function parse(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").map(decode);
  return { page: parts[0] || "resources", name: parts.slice(1).join("/"), query: new URLSearchParams(query || "") };
}

// What is no valid escape is taken as it stands: somebody typed it.
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = () => current;
export const replace = (hash) => {
  history.replaceState(null, "", hash);
  current = parse(hash);
};
export const param = (name, fallback = "") => current.query.get(name) ?? fallback;
export const list = (name) => param(name).split(",").filter(Boolean).map(decode);

export function address(page, name = "", query = {}) {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value) given.set(key, value);
  const path = name ? `#/${page}/${encodeURIComponent(name)}` : `#/${page}`;
  const text = given.toString();
  return text ? `${path}?${text}` : path;
}

// Names stand in a list, so their commas are escaped once more.
export const names = (items) => items.map((name) => encodeURIComponent(name)).join(",");

export function go(page, name, query) {
  location.hash = address(page, name, query);
}

export function setParams(changes) {
  const query = new URLSearchParams(current.query);
  for (const [key, value] of Object.entries(changes)) {
    if (value) query.set(key, value);
    else query.delete(key);
  }
  history.replaceState(null, "", address(current.page, current.name, Object.fromEntries(query)));
  current = parse(location.hash);
  changed();
}

export function watchRoute(onPage) {
  addEventListener("hashchange", () => {
    const before = current;
    current = parse(location.hash);
    if (before.page !== current.page || before.name !== current.name) onPage(current);
    changed();
  });
}
