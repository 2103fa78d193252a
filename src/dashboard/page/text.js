// How numbers and times are said. Pure functions; what cannot be said is a dash.
const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  if (!Number.isFinite(count)) return "–";
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${rounded(value, unit)} ${UNITS[unit]}`;
}

function rounded(value, unit) {
  if (unit === 0 || value >= 100) return String(Math.round(value));
  return value.toFixed(1);
}

export function count(number) {
  if (!Number.isFinite(number)) return "–";
  return number.toLocaleString("en").replaceAll(",", "\u202f");
}

export function percent(number) {
  if (!Number.isFinite(number)) return "–";
  return `${number >= 100 ? Math.round(number) : number.toFixed(1)} %`;
}

// The largest two units are enough: "1 h 5 min", "3.2 s".
export function duration(ms) {
  if (!Number.isFinite(ms)) return "–";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// One unit is enough beside a name.
export function age(ms) {
  if (!Number.isFinite(ms)) return "–";
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

const two = (number) => String(number).padStart(2, "0");

export function clock(ms, isExact = false) {
  if (!Number.isFinite(ms)) return "–";
  const date = new Date(ms);
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return isExact ? `${text}.${String(date.getMilliseconds()).padStart(3, "0")}` : text;
}

export function dateTime(ms) {
  if (!Number.isFinite(ms)) return "–";
  const date = new Date(ms);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clock(ms)}`;
}

export function ago(ms, now = Date.now()) {
  if (!Number.isFinite(ms) || ms <= 0) return "–";
  return duration(Math.max(0, now - ms));
}

// Letters that change the direction or hide themselves are shown by their number: a name cannot pretend to be
// another.
const HIDDEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export function visible(text) {
  return String(text).replace(HIDDEN, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);
}
