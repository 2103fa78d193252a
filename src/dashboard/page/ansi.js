// Colours of terminal output as data: [{ text, classes, style }]. Pure functions, no document.
//
// Only colours and weights are understood. Everything else that a program may send to a terminal (titles, links,
// cursor movements) is dropped, and what is left is text, whatever it looks like. Parsed for visible lines alone.
const SEQUENCE = new RegExp(
  [
    "\\u001b\\[([0-9;:]*)m", // a colour or a weight: the only group
    "\\u001b\\[[0-?]*[ -/]*[@-~]", // any other control sequence
    "\\u001b[\\]PX^_][^\\u0007\\u001b]*(?:\\u0007|\\u001b\\\\|$)", // a title, a link, and their like
    "\\u001b[ -/]*[0-~]?",
    "[\\u0000-\\u0008\\u000b-\\u001f\\u007f]",
  ].join("|"),
  "g",
);
const LIGHT = 8;

export function plain(text) {
  if (!hasControl(text)) return text;
  return text.replace(SEQUENCE, "");
}

const hasControl = (text) => /[\u0000-\u0008\u000b-\u001f\u007f]/.test(text);

export function pieces(text) {
  if (!hasControl(text)) return [{ text, classes: "" }];
  const found = [];
  const state = {};
  let from = 0;
  for (const match of text.matchAll(SEQUENCE)) {
    add(found, text.slice(from, match.index), state);
    from = match.index + match[0].length;
    if (match[1] !== undefined) apply(state, match[1]);
  }
  add(found, text.slice(from), state);
  return found;
}

function add(found, text, state) {
  if (text) found.push({ text, classes: classesOf(state), style: styleOf(state) });
}

function classesOf(state) {
  const names = [];
  for (const flag of ["bold", "dim", "italic", "underline", "strike"]) if (state[flag]) names.push(`a-${flag}`);
  const [front, back] = state.inverse ? [state.back, state.front] : [state.front, state.back];
  if (Number.isInteger(front)) names.push(`a-f${front}`);
  if (typeof front === "string") names.push("a-rgb");
  if (Number.isInteger(back)) names.push(`a-b${back}`);
  if (state.inverse) names.push("a-inverse");
  return names.join(" ");
}

function styleOf(state) {
  const front = state.inverse ? state.back : state.front;
  if (typeof front !== "string") return undefined;
  return { "--rgb": front };
}

function apply(state, text) {
  const codes = text.split(/[;:]/).map(Number);
  for (let at = 0; at < codes.length; at++) {
    if (codes[at] === 38 || codes[at] === 48) at += extended(state, codes, at);
    else applyOne(state, codes[at]);
  }
}

const SWITCHES = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { front: undefined },
  49: { back: undefined },
};

function applyOne(state, code) {
  if (code === 0) for (const key of Object.keys(state)) delete state[key];
  else if (SWITCHES[code]) Object.assign(state, SWITCHES[code]);
  else if (code >= 30 && code <= 37) state.front = code - 30;
  else if (code >= 40 && code <= 47) state.back = code - 40;
  else if (code >= 90 && code <= 97) state.front = code - 90 + LIGHT;
  else if (code >= 100 && code <= 107) state.back = code - 100 + LIGHT;
}

// "38;5;N" and "38;2;R;G;B". Returns how many numbers belong to it.
function extended(state, codes, at) {
  const key = codes[at] === 38 ? "front" : "back";
  if (codes[at + 1] === 5) {
    state[key] = ofPalette(codes[at + 2]);
    return 2;
  }
  if (codes[at + 1] === 2) {
    if (codes.length > at + 4) state[key] = rgb(codes[at + 2], codes[at + 3], codes[at + 4]);
    return 4;
  }
  return codes.length;
}

// The first sixteen are the theme's own; then a cube of six steps a colour, then greys.
function ofPalette(number) {
  if (!(number >= 0 && number <= 255)) return undefined;
  if (number < 16) return number;
  if (number >= 232) return rgb(...Array(3).fill(8 + (number - 232) * 10));
  const step = (value) => (value === 0 ? 0 : 55 + value * 40);
  const index = number - 16;
  return rgb(step(Math.floor(index / 36)), step(Math.floor(index / 6) % 6), step(index % 6));
}

const byte = (value) => Math.min(255, Math.max(0, Math.trunc(value) || 0));

function rgb(red, green, blue) {
  return `rgb(${byte(red)}, ${byte(green)}, ${byte(blue)})`;
}
