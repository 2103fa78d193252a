// Elements as data, and a document that is made to match: the only place that creates or changes elements.
//
//   sync(parent, [h("p", { class: "note" }, "text", child)])
//
// Text is only ever a text node, so nothing that a program logs or a key is called becomes markup. Elements are
// kept when key and tag are the same as before, and so keep focus, selection and scroll position. Handing in the
// very same vnode again says "nothing changed": whole subtrees are skipped for the price of a comparison. Names
// that begin with "_" are for whoever finds the vnode of an element (node.vnode.props).
const SVG = "http://www.w3.org/2000/svg";

export function h(tag, props, ...children) {
  const given = props || {};
  return { tag, key: given.key, props: given, children: flatten(children, []) };
}

function flatten(children, into) {
  for (const child of children) {
    if (Array.isArray(child)) flatten(child, into);
    else if (child !== null && child !== undefined && child !== false) into.push(asVnode(child));
  }
  return into;
}

function asVnode(child) {
  if (typeof child === "object") return child;
  return { tag: "#text", text: String(child) };
}

// Makes parent's children those wanted.
export function sync(parent, wanted) {
  const old = parent.kids || [];
  const keyed = new Map();
  const loose = [];
  for (const node of old) {
    if (node.vnode.key === undefined) loose.push(node);
    else keyed.set(node.vnode.key, node);
  }

  let at = 0;
  const kids = [];
  for (const vnode of wanted) {
    let node = null;
    if (vnode.key !== undefined) node = take(keyed, vnode);
    else if (at < loose.length && loose[at].vnode.tag === vnode.tag) node = loose[at++];
    kids.push(update(node, vnode, parent));
  }
  dropOthers(old, kids);
  order(parent, kids);
  parent.kids = kids;
}

function take(keyed, vnode) {
  const node = keyed.get(vnode.key);
  if (!node || node.vnode.tag !== vnode.tag) return null;
  keyed.delete(vnode.key);
  return node;
}

function dropOthers(old, kids) {
  const kept = new Set(kids);
  for (const node of old) {
    if (kept.has(node)) continue;
    leave(node);
    node.remove();
  }
}

function leave(node) {
  if (node.vnode?.props?.gone) node.vnode.props.gone(node);
  for (const kid of node.kids || []) leave(kid);
}

function order(parent, kids) {
  let cursor = parent.firstChild;
  for (const node of kids) {
    if (node === cursor) cursor = cursor.nextSibling;
    else parent.insertBefore(node, cursor);
  }
}

function update(node, vnode, parent) {
  if (node && node.vnode === vnode) return node;
  if (vnode.tag === "#text") return updateText(node, vnode);
  const target = node || create(vnode, parent);
  const before = node ? node.vnode.props : {};
  target.vnode = vnode;
  setProps(target, before, vnode.props);
  sync(target, vnode.children);
  // Choosing an option has to wait until the options are there.
  if (vnode.tag === "select" && target.value !== vnode.props.value) target.value = vnode.props.value;
  if (!node && vnode.props.ref) vnode.props.ref(target);
  return target;
}

function updateText(node, vnode) {
  const target = node || document.createTextNode("");
  if (target.data !== vnode.text) target.data = vnode.text;
  target.vnode = vnode;
  return target;
}

function create(vnode, parent) {
  const inSvg = vnode.tag === "svg" || (parent.namespaceURI === SVG && parent.tagName !== "foreignObject");
  if (inSvg) return document.createElementNS(SVG, vnode.tag);
  return document.createElement(vnode.tag);
}

function setProps(node, before, props) {
  for (const name of Object.keys(before)) {
    if (!(name in props)) setProp(node, name, undefined, before[name]);
  }
  for (const name of Object.keys(props)) {
    if (props[name] !== before[name] || name === "value" || name === "checked") {
      setProp(node, name, props[name], before[name]);
    }
  }
}

function setProp(node, name, value, before) {
  if (name === "key" || name === "ref" || name === "gone" || name.startsWith("_")) return;
  if (name.startsWith("on")) return listen(node, name.slice(2), value);
  if (name === "style") return setStyle(node, before || {}, value || {});
  if ((name === "value" && node.tagName !== "OPTION") || name === "checked") return setField(node, name, value);
  if (name === "href" && !isSafeLink(value)) return undefined;
  if (value === undefined || value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : value);
  return undefined;
}

// One listener a type stays; what it calls changes with each paint.
function listen(node, type, handler) {
  node.calls ||= {};
  if (!(type in node.calls)) node.addEventListener(type, (event) => node.calls[type]?.(event));
  node.calls[type] = handler;
}

// The content security policy forbids style attributes; setting properties is what it allows.
function setStyle(node, before, style) {
  for (const name of Object.keys(before)) if (!(name in style)) node.style.removeProperty(name);
  for (const name of Object.keys(style)) {
    if (style[name] !== before[name]) node.style.setProperty(name, style[name]);
  }
}

function setField(node, name, value) {
  const wanted = value ?? (name === "checked" ? false : "");
  if (node[name] !== wanted) node[name] = wanted;
}

// Addresses come from programs: nothing but our own routes and the web is a link.
export function isSafeLink(address) {
  return typeof address === "string" && /^(https?:\/\/|#|\/api\/|data:text\/plain)/i.test(address);
}

export const link = (address, ...text) => {
  if (!/^https?:\/\//i.test(address)) return h("span", {}, text);
  return h("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, text);
};
