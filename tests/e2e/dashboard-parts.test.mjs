// The parts of the dashboard's page that need no document: tables of what goes in and what comes out.
import assert from "node:assert/strict";

// $PAGE: a copy of the page's folder that says that its files are modules.
const part = (name) => import(`${process.env.PAGE}/${name}`);
const { pieces, plain } = await part("ansi.js");
const { criticalPath, mainStart, starts, timelines } = await part("timeline.js");
const { age, bytes, duration, percent, visible } = await part("text.js");

// ---- colours of terminals ----

const COLOURS = [
  ["plain", [["plain", ""]]],
  [
    "\u001b[31mred\u001b[0m no",
    [
      ["red", "a-f1"],
      [" no", ""],
    ],
  ],
  ["\u001b[1;32;44mx", [["x", "a-bold a-f2 a-b4"]]],
  [
    "\u001b[38;5;9mx\u001b[39my",
    [
      ["x", "a-f9"],
      ["y", ""],
    ],
  ],
  ["\u001b[38;2;1;2;300mx", [["x", "a-rgb"]]],
  ["\u001b[7;31mx", [["x", "a-b1 a-inverse"]]],
  ["\u001b]8;;javascript:alert(1)\u0007click\u001b]8;;\u0007", [["click", ""]]],
  ["\u001b]0;a title\u001b\\after", [["after", ""]]],
  ["\u001b]never ends", []],
  ["\u001b[2J\u001b[10;20Hmoved\r", [["moved", ""]]],
  ["\u001b[38;5m\u001b[38;2;1mx", [["x", ""]]],
  [
    "a\u0000b\u0007c",
    [
      ["a", ""],
      ["b", ""],
      ["c", ""],
    ],
  ],
  [
    "<b>\u001b[31m</b>",
    [
      ["<b>", ""],
      ["</b>", "a-f1"],
    ],
  ],
];
for (const [text, wanted] of COLOURS) {
  const found = pieces(text).map((piece) => [piece.text, piece.classes]);
  assert.deepEqual(found, wanted, JSON.stringify(text));
  assert.equal(plain(text), wanted.map(([part]) => part).join(""));
}
assert.deepEqual(pieces("\u001b[38;2;1;2;300mx")[0].style, { "--rgb": "rgb(1, 2, 255)" });

// ---- what is said ----

assert.deepEqual([0, 999, 1000, 1_500_000, 2e12, NaN].map(bytes), [
  "0 B",
  "999 B",
  "1.0 kB",
  "1.5 MB",
  "2.0 TB",
  "–",
]);
assert.deepEqual([5, 1500, 65_000, 3_660_000, 200_000_000].map(duration), [
  "5 ms",
  "1.5 s",
  "1 min 5 s",
  "1 h 1 min",
  "2 d 7 h",
]);
assert.deepEqual([59_000, 3_599_000, 90_000_000, 200_000_000].map(age), ["59 s", "59 min", "25 h", "2 d"]);
assert.equal(percent(12.34), "12.3 %");
assert.equal(visible("a\u202eb\u200b\u0000"), "a\\u{202e}b\\u{200b}\\u{0}");

// ---- where the time of a start went ----

const at = (timeMs, resource, state, more = {}) => ({ timeMs, resource, state, ...more });
const told = [
  at(100, "cache", "creating"),
  at(150, "cache", "starting"),
  at(300, "cache", "ready"),
  at(101, "api", "waiting"),
  at(310, "api", "starting"),
  at(320, "api", "running"),
  at(900, "api", "ready"),
  at(60_000, "api", "stopping"),
  at(60_100, "api", "stopped"),
  at(60_200, "api", "starting"),
  at(60_700, "api", "failed"),
];
const rows = timelines(told, 70_000);
assert.deepEqual(
  rows.map(({ name, tries }) => [name, tries.length]),
  [
    ["cache", 1],
    ["api", 2],
  ],
);
const found = starts(rows);
assert.deepEqual(
  found.map((start) => start.rows.map((row) => row.name)),
  [["api"], ["cache", "api"]],
);
assert.equal(found[0].rows[0].outcome, "failed");
assert.deepEqual(
  mainStart(found).rows[1].segments.map(({ state, begin, end }) => [state, end - begin]),
  [
    ["waiting", 209],
    ["starting", 10],
    ["running", 580],
  ],
);
assert.deepEqual(criticalPath(found[1].rows, [{ from: "api", to: "cache" }]), ["cache", "api"]);
assert.deepEqual(
  criticalPath(found[1].rows, [
    { from: "api", to: "cache" },
    { from: "cache", to: "api" },
  ]),
  ["cache", "api"],
);
assert.deepEqual(starts(timelines([], 0)), []);

console.log("parts of the page: all as it should be");
