// Commands by hand. What writes is refused until changes are allowed, and says how to allow them.
import { post } from "./api.js";
import { h } from "./dom.js";
import { afterPaint, changed } from "./frame.js";
import { access, allow } from "./later-redis.js";
import { param } from "./route.js";
import { visible } from "./text.js";
import { button } from "./ui.js";

const KEPT = 200;
const own = { text: "", entries: [], history: [], at: 0 };

export function drawConsole(server) {
  return h(
    "section",
    { key: "console", class: "console card", "aria-label": "Console" },
    h(
      "div",
      { class: "console-lines", id: "console-lines", tabindex: "0", role: "log", "aria-label": "Answers" },
      own.entries.length
        ? null
        : h("p", { class: "dim" }, "Type a command, for example INFO memory. ↑ brings back what was typed."),
      own.entries.filter((entry) => entry.server === server).map(drawEntry),
    ),
    h(
      "form",
      {
        class: "row",
        onsubmit: (event) => {
          event.preventDefault();
          run(server);
        },
      },
      h("label", { for: "command", class: "mono dim" }, `${visible(server)}>`),
      h("input", {
        id: "command",
        class: "mono grow",
        autocomplete: "off",
        spellcheck: "false",
        value: own.text,
        oninput: (event) => {
          own.text = event.target.value;
          changed();
        },
        onkeydown: recall,
      }),
      // Never disabled: a form whose button is takes no Enter, and who types is quicker than what is drawn.
      h("button", { type: "submit" }, "Run"),
    ),
  );
}

function drawEntry(entry) {
  return h(
    "div",
    { key: entry.id, class: "entry" },
    h("div", { class: "mono" }, h("span", { class: "dim" }, "> "), visible(entry.text)),
    entry.problem
      ? h(
          "div",
          { class: "t-bad" },
          visible(entry.problem.message),
          entry.problem.hint ? ` ${entry.problem.hint}` : "",
          entry.problem.code === "read-only" && !access.isAllowed
            ? button("Allow changes", () => allow(true), { class: "small" })
            : null,
        )
      : null,
    entry.lines ? h("pre", {}, entry.lines) : null,
  );
}

function recall(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  own.at = Math.min(own.history.length, Math.max(0, own.at + step));
  own.text = own.history[own.at] || "";
  changed();
}

async function run(server) {
  const text = own.text.trim();
  if (!text) return;
  const entry = { id: own.entries.length + Math.random(), server, text };
  own.entries.push(entry);
  own.entries.splice(0, own.entries.length - KEPT);
  own.history.push(text);
  own.at = own.history.length;
  own.text = "";
  changed();
  await answer(server, entry);
  afterPaint(() =>
    document.getElementById("console-lines")?.lastElementChild?.scrollIntoView({ block: "nearest" }),
  );
}

async function answer(server, entry) {
  try {
    const given = { db: Number(param("db", "0")), argv: words(entry.text) };
    if (access.isAllowed) given.write = true;
    const { reply } = await post(`/redis/${encodeURIComponent(server)}/command`, given);
    Object.assign(entry, { lines: say(reply).join("\n") });
  } catch (problem) {
    entry.problem = problem;
  }
}

// Words as a shell has them: quotes keep blanks together, a backslash takes the next letter as it is.
export function words(text) {
  const found = [];
  const pattern = /\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|((?:\\.|[^\s"'\\])+))/gy;
  let end = 0;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const [, double, single, bare] = match;
    found.push(
      (double ?? single ?? bare).replace(
        /\\(.)/g,
        (_, letter) => ({ n: "\n", t: "\t", r: "\r" })[double === undefined ? "" : letter] ?? letter,
      ),
    );
    end = pattern.lastIndex;
  }
  if (text.slice(end).trim()) throw new Error(`a quote is not closed: ${text.slice(end).trim()}`);
  return found;
}

// A reply as lines, nested lists further to the right.
export function say(reply, indent = "") {
  if (reply === null) return [`${indent}(nil)`];
  if (Array.isArray(reply))
    return reply.length
      ? reply.flatMap((item, i) => numbered(`${i + 1})`, say(item), indent))
      : [`${indent}(empty)`];
  if (typeof reply !== "object")
    return String(reply)
      .split("\n")
      .map((line) => indent + visible(line.replace(/\r$/, "")));
  if ("error" in reply) return [`${indent}(error) ${visible(reply.error)}`];
  if ("map" in reply)
    return reply.map.flatMap(([key, value]) => numbered(`${say(key).join(" ")}:`, say(value), indent));
  return [`${indent}base64:${reply.b64}`];
}

function numbered(head, lines, indent) {
  const gap = " ".repeat(head.length + 1);
  return lines.map((line, i) => `${indent}${i ? gap : `${head} `}${line}`);
}
