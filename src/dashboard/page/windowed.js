// Lists of any length: rows of one height, of which only the visible ones are in the document.
//
// The place in the list is kept by us, never read while drawing (a layout in the middle of a frame costs more than
// the frame): heights come from a ResizeObserver, the position from scroll events. A list that follows stays at its
// end until somebody scrolls up, and follows again when they come back to the end.
import { h } from "./dom.js";
import { afterPaint, changed } from "./frame.js";

const SPARE_ROWS = 4;
const lists = new Map();

const observer = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const list = entry.target.list;
    if (!list || list.height === entry.contentRect.height) continue;
    list.height = entry.contentRect.height;
    changed();
  }
});

export function listState(id) {
  if (!lists.has(id))
    lists.set(id, { top: 0, moved: 0, height: 600, isFollowing: false, setTop: 0, node: null, canFollow: false });
  return lists.get(id);
}

export const forget = (id) => lists.delete(id);

// options: { count, rowHeight, row(i), follows, onTop, label, role, class, head, columns }
export function windowed(id, options) {
  const list = listState(id);
  list.rowHeight = options.rowHeight;
  list.count = options.count;
  list.canFollow = Boolean(options.follows);
  const [first, last] = visible(list, options);
  const rows = [];
  for (let i = first; i < last; i++) rows.push(options.row(i));
  settle(list, options);
  return h(
    "div",
    {
      key: `list-${id}`,
      style: options.style,
      class: `list ${options.class || ""}`,
      tabindex: "0",
      role: options.role || "region",
      "aria-label": options.label,
      "aria-rowcount": options.rowCount,
      "aria-colcount": options.colCount,
      ref: (node) => attach(list, node),
      gone: () => detach(list),
      onscroll: (event) => scrolled(list, event.target, options),
      onwheel: (event) => event.deltaY < 0 && list.canFollow && stopFollowing(list),
      onkeydown: options.onkeydown || ((event) => list.canFollow && followKeys(list, event)),
      onclick: options.onclick,
    },
    options.head,
    h(
      "div",
      {
        class: "list-space",
        role: options.role ? "presentation" : undefined,
        style: { height: `${options.count * options.rowHeight}px` },
      },
      h(
        "div",
        {
          class: "list-rows",
          role: options.role ? "rowgroup" : undefined,
          style: { transform: `translateY(${first * options.rowHeight}px)` },
        },
        rows,
      ),
    ),
  );
}

// Where the list stands, once it is drawn. Before the first row is seen, what is above it is asked for.
function settle(list, { onTop, rowHeight }) {
  if (list.isFollowing) afterPaint(() => toEnd(list));
  else if (onTop && list.top + list.moved < rowHeight * 20) afterPaint(onTop);
}

function visible(list, options) {
  const height = options.rowHeight;
  const shown = Math.ceil(list.height / height);
  let top = list.top + list.moved;
  if (list.isFollowing) top = Math.max(0, options.count * height - list.height);
  const first = Math.max(0, Math.min(Math.floor(top / height), options.count - shown) - SPARE_ROWS);
  return [first, Math.min(options.count, first + shown + 2 * SPARE_ROWS)];
}

function attach(list, node) {
  list.node = node;
  node.list = list;
  observer.observe(node);
  if (list.top > 0 && !list.isFollowing) afterPaint(() => setTop(list, list.top));
}

function detach(list) {
  if (list.node) observer.unobserve(list.node);
  list.node = null;
}

function setTop(list, top) {
  if (!list.node) return;
  list.setTop = top;
  list.top = top;
  list.node.scrollTop = top;
}

function toEnd(list) {
  const top = Math.max(0, list.count * list.rowHeight - list.height);
  if (top !== list.setTop || list.node?.isFresh) setTop(list, top);
}

// Our own scrolling arrives here as well: it is never above where we put it.
function scrolled(list, node, options) {
  list.top = node.scrollTop;
  if (list.canFollow) follow(list);
  changed();
}

function follow(list) {
  const end = list.count * list.rowHeight - list.height;
  if (list.isFollowing && list.top < Math.min(list.setTop, end) - list.rowHeight) list.isFollowing = false;
  else if (!list.isFollowing && list.top >= end - list.rowHeight / 2) list.isFollowing = true;
}

// By themselves keys roll for some frames: too slow for an end that moves on, and too late to leave it.
function followKeys(list, event) {
  if (["ArrowUp", "PageUp", "Home"].includes(event.key)) stopFollowing(list);
  if (event.key !== "End") return;
  event.preventDefault();
  list.isFollowing = true;
  changed();
}

function stopFollowing(list) {
  if (list.top > 0) list.isFollowing = false;
  changed();
}

export function setFollowing(id, isFollowing) {
  listState(id).isFollowing = isFollowing;
  changed();
}

// Rows came or went at an index: above the visible ones, what is being read stays where it is. How far is kept apart
// until it is drawn: somebody may scroll in the same frame.
export function shift(id, rows, at = 0) {
  const list = listState(id);
  if (list.isFollowing || !list.node || at * list.rowHeight > list.top + list.moved) return;
  if (list.moved === 0) afterPaint(() => moved(list));
  list.moved += rows * list.rowHeight;
}

function moved(list) {
  setTop(list, Math.max(0, list.top + list.moved));
  list.moved = 0;
}

export function reveal(id, index) {
  const list = listState(id);
  const from = index * list.rowHeight;
  if (from < list.top) afterPaint(() => setTop(list, from));
  else if (from + 2 * list.rowHeight > list.top + list.height) {
    afterPaint(() => setTop(list, from + 2 * list.rowHeight - list.height));
  }
}
