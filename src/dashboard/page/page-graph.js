// Who needs whom: by ranks from left to right, and as a list that says the same.
import { h } from "./dom.js";
import { address, param, setParams } from "./route.js";
import { byName, derived, store, tone } from "./store.js";
import { visible } from "./text.js";
import { empty, state, table, toggle } from "./ui.js";

const WIDTH = 168;
const HEIGHT = 34;
const GAP_X = 72;
const GAP_Y = 14;
const MOST_DRAWN = 300;

export const title = () => "Graph";

export function draw() {
  const all = [...store.resources.values()].sort(byName);
  const isList = Boolean(param("list")) || all.length > MOST_DRAWN;
  return [
    h(
      "header",
      { key: "heading", class: "heading" },
      h("h1", {}, "Graph"),
      h(
        "span",
        { class: "end row" },
        all.length > MOST_DRAWN
          ? h("span", { class: "dim" }, `More than ${MOST_DRAWN} resources: as a list`)
          : null,
        toggle("Drawing", !isList, () => setParams({ list: "" })),
        toggle("List", isList, () => setParams({ list: "1" })),
      ),
    ),
    body(all, isList),
  ];
}

function body(all, isList) {
  if (all.length === 0) return empty("Nothing is known yet.");
  if (isList) return asList(all);
  return derived("graph", () => drawing(all));
}

// What needs nothing is in rank 0; everybody else one further than the furthest that they need.
export function ranks(nodes, edges) {
  const needs = new Map(nodes.map((name) => [name, []]));
  for (const { from, to } of edges) if (needs.has(from) && needs.has(to)) needs.get(from).push(to);
  const known = new Map();
  const rankOf = (name, above) => {
    if (known.has(name)) return known.get(name);
    if (above.has(name)) return 0;
    above.add(name);
    const rank = Math.max(-1, ...needs.get(name).map((next) => rankOf(next, above))) + 1;
    above.delete(name);
    known.set(name, rank);
    return rank;
  };
  for (const name of nodes) rankOf(name, new Set());
  return known;
}

// An arrow over several ranks goes through a place of its own in each, so that it crosses no resource.
function layout(all) {
  const rank = ranks(
    all.map((resource) => resource.name),
    store.edges,
  );
  const columns = [];
  for (const { name } of all) (columns[rank.get(name)] ||= []).push({ id: name, before: [] });
  const arrows = store.edges
    .filter((edge) => rank.has(edge.from) && rank.has(edge.to))
    .map((edge) => ({ edge, stops: stops(edge, rank, columns) }));
  const spots = new Map(columns.flat().map((spot) => [spot.id, spot]));
  for (const { stops: ids } of arrows) ids.slice(1).forEach((id, i) => spots.get(id)?.before.push(ids[i]));
  columns.forEach((column, x) => place(column, x, spots));
  const height = Math.max(...columns.map((column) => column.length)) * (HEIGHT + GAP_Y);
  return { spots, arrows, width: columns.length * (WIDTH + GAP_X) - GAP_X, height };
}

function stops({ from, to }, rank, columns) {
  const ids = [to];
  for (let x = rank.get(to) + 1; x < rank.get(from); x++) {
    const id = `${to}\n${from}\n${x}`;
    columns[x].push({ id, before: [] });
    ids.push(id);
  }
  return [...ids, from];
}

// Near what it needs, so that few lines cross.
function place(column, x, spots) {
  const middle = ({ before }) =>
    before.length ? before.reduce((sum, id) => sum + spots.get(id).y, 0) / before.length : 0;
  if (x > 0) column.sort((a, b) => middle(a) - middle(b) || (a.id < b.id ? -1 : 1));
  column.forEach((spot, i) => Object.assign(spot, { x: x * (WIDTH + GAP_X), y: i * (HEIGHT + GAP_Y) }));
}

function drawing(all) {
  const { spots, arrows, width, height } = layout(all);
  return h(
    "div",
    {
      key: "graph",
      class: "scroll graph",
      tabindex: "0",
      role: "region",
      "aria-label": "Dependencies, drawn; the list says the same",
    },
    h(
      "svg",
      { width: width + 4, height: height + 4, viewBox: `-2 -2 ${width + 4} ${height + 4}` },
      arrows.map(({ edge, stops: ids }) =>
        arrow(
          edge,
          ids.map((id) => spots.get(id)),
        ),
      ),
      all.map((resource) => node(resource, spots.get(resource.name))),
    ),
  );
}

function arrow(edge, through) {
  const parts = through.slice(1).map((to, i) => curve(through[i], to, i > 0));
  return h(
    "path",
    {
      key: `${edge.from}\n${edge.to}\n${edge.until}`,
      class: edge.required === false ? "edge weak" : "edge",
      d: parts.join(" "),
    },
    h("title", {}, `${edge.from} waits until ${edge.to} is ${edge.until}`),
  );
}

// Straight through a place of its own, bent between two ranks.
function curve(from, to, isOnTheWay) {
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  const bend = GAP_X / 2;
  return `${isOnTheWay ? "L" : "M"}${x1} ${y1} C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
}

function node(resource, { x, y }) {
  const name = visible(resource.name);
  const shown = name.length > 19 ? `${name.slice(0, 18)}…` : name;
  return h(
    "a",
    {
      key: resource.name,
      class: `node t-${tone(resource)}`,
      href: address("resources", resource.name),
      "aria-label": `${name}, ${resource.state}`,
    },
    h("rect", { x, y, width: WIDTH, height: HEIGHT, rx: 6 }),
    h("circle", { cx: x + 15, cy: y + HEIGHT / 2, r: 5 }),
    h("text", { x: x + 28, y: y + HEIGHT / 2 + 4 }, shown),
    h("title", {}, `${name}: ${resource.state}`),
  );
}

function asList(all) {
  const links = (edges, end) =>
    edges.map((edge, i) => [
      i ? ", " : "",
      h("a", { href: address("resources", edge[end]) }, visible(edge[end])),
      end === "to" ? h("span", { class: "dim" }, ` (${edge.until})`) : null,
    ]);
  return table(
    "Dependencies",
    ["Resource", "State", "Needs", "Is needed by"],
    all.map((resource) =>
      h(
        "tr",
        { key: resource.name },
        h("th", { scope: "row" }, h("a", { href: address("resources", resource.name) }, visible(resource.name))),
        h("td", {}, state(resource)),
        h(
          "td",
          {},
          links(
            store.edges.filter((edge) => edge.from === resource.name),
            "to",
          ),
        ),
        h(
          "td",
          {},
          links(
            store.edges.filter((edge) => edge.to === resource.name),
            "from",
          ),
        ),
      ),
    ),
  );
}
