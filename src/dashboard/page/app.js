// The page as a whole: header, notices, the current page, dialogs. Everything is drawn from what the store holds.
import { enter, start } from "./boot.js";
import { showDialog } from "./dialog.js";
import { h, sync } from "./dom.js";
import { afterPaint, changed, drawWith } from "./frame.js";
import { current, offered, pageOf } from "./pages.js";
import { hearKeys, openPalette, showHelp } from "./palette.js";
import { route, watchRoute } from "./route.js";
import { retryNow, want } from "./live.js";
import { counts, store } from "./store.js";
import { ago, visible } from "./text.js";
import { button, remembered, showToasts } from "./ui.js";

const root = document.getElementById("app");
let shown = null;

function draw() {
  const theme = remembered("theme", "auto");
  document.documentElement.dataset.theme = theme;
  document.title = titleText();
  sync(root, [header(), notice(), main(), showToasts(), showDialog()].filter(Boolean));
}

function titleText() {
  const { bad } = counts();
  const project = store.session?.project || store.view?.project || "apphost";
  const mark = bad ? `(${bad} failed) ` : "";
  return `${mark}${visible(current().title())} · ${visible(project)}`;
}

const skip = () =>
  h(
    "a",
    {
      key: "skip",
      class: "skip",
      href: `${location.hash || "#/resources"}`,
      onclick: (event) => {
        event.preventDefault();
        document.querySelector("main").focus();
      },
    },
    "To the content",
  );

// ---- header ----

function header() {
  const project = store.session?.project || store.view?.project || "";
  return h(
    "header",
    { key: "header", class: "top" },
    skip(),
    h(
      "span",
      { class: "brand" },
      h("span", { class: `mark t-${linkTone()}`, "aria-hidden": "true" }),
      h("strong", {}, visible(project || "apphost")),
      summary(),
    ),
    h(
      "nav",
      { "aria-label": "Pages" },
      offered().map((page) =>
        h(
          "a",
          {
            key: page.id,
            href: `#/${page.id}`,
            title: `${page.text} (${page.key})`,
            "aria-current": route().page === page.id ? "page" : undefined,
          },
          page.text,
        ),
      ),
    ),
    h(
      "span",
      { class: "row tail-end" },
      button([h("span", {}, "Commands"), h("kbd", { "aria-hidden": "true" }, ".")], openPalette, {
        class: "small",
      }),
      button("?", showHelp, { class: "small", "aria-label": "Keys and help" }),
    ),
  );
}

function linkTone() {
  if (store.link === "connecting") return "busy";
  if (store.link !== "live") return "bad";
  return store.session?.state === "no-session" ? "idle" : "good";
}

function summary() {
  const { all, bad, busy, good } = counts();
  if (!all) return null;
  const parts = [
    bad && h("span", { class: "t-bad" }, `${bad} failed`),
    busy && `${busy} under way`,
    `${good} of ${all} ready`,
  ].filter(Boolean);
  return h(
    "span",
    { class: "dim summary" },
    parts.map((part, i) => [i ? " · " : "", part]),
  );
}

// ---- what is wrong with the whole ----

function notice() {
  if (store.link === "logged-out") return null;
  if (store.link === "lost") {
    return bar(
      "bad",
      `The dashboard does not answer since ${ago(store.lostAt)}. `,
      "What stands here is what was known then; this page connects again by itself. ",
      h("code", {}, "apphost dashboard"),
      " starts it again.",
      button("Try now", retryNow, { class: "small" }),
    );
  }
  if (store.session?.state === "no-session") {
    return bar(
      "warn",
      "Nothing runs. ",
      "What stands here is from the last session. ",
      h("code", {}, "apphost up"),
      " starts the project, and this page goes on.",
    );
  }
  if (store.session?.state === "ending") return bar("warn", "The session is ending: everything is being stopped.");
  const engine = store.view?.engine;
  if (isLost(engine))
    return bar("bad", "The container engine does not answer. ", visible(engine.error?.message || ""));
  return null;
}

// Where nothing needs one there is none, which is no loss.
const isLost = (engine) => engine?.connected === false && (engine.state === "engine-lost" || Boolean(engine.error));

const bar = (tone, ...content) => h("div", { key: "notice", class: `notice t-${tone}`, role: "alert" }, content);

// ---- the page ----

function main() {
  const isIn = store.link !== "logged-out";
  const page = current();
  if (isIn && page !== shown) turn(page);
  return h(
    "main",
    { key: "main", id: "main", tabindex: "-1", class: `page-${route().page}` },
    isIn ? page.draw() : login(),
  );
}

function turn(page) {
  shown?.leave?.();
  shown = page;
  page.enter?.();
  want("page", page.topics?.() || []);
}

function pageChanged(to) {
  shown?.leave?.();
  shown = null;
  const page = pageOf(to);
  afterPaint(() => {
    if (current() === page) document.querySelector("main")?.focus({ preventScroll: true });
  });
}

const form = { token: "", problem: "", isBusy: false };

async function submit(event) {
  event.preventDefault();
  if (form.isBusy || !form.token) return;
  form.isBusy = true;
  changed();
  try {
    await enter(form.token);
    Object.assign(form, { token: "", problem: "" });
  } catch (problem) {
    form.problem = problem.status === 401 ? "That is not this project's token." : problem.message;
  }
  form.isBusy = false;
  changed();
}

const login = () =>
  h(
    "form",
    { key: "login", class: "card login", onsubmit: submit },
    h("h1", {}, "Who are you?"),
    h(
      "p",
      {},
      "This browser is not known here. Open the page with ",
      h("code", {}, "apphost dashboard --open"),
      ", or paste what ",
      h("code", {}, "apphost dashboard --url"),
      " says.",
    ),
    h(
      "label",
      {},
      "Address or token",
      h("input", {
        id: "token",
        type: "password",
        autocomplete: "off",
        value: form.token,
        oninput: (event) => {
          form.token = event.target.value;
          changed();
        },
      }),
    ),
    form.problem ? h("p", { class: "t-bad", role: "alert" }, form.problem) : null,
    h(
      "div",
      { class: "row" },
      h("button", { type: "submit", class: "primary" }, "Open"),
    ),
  );

// Ages go on while nothing changes; a page that is not seen is not drawn.
const TICK_MS = 1_000;
setInterval(() => document.visibilityState === "visible" && changed(), TICK_MS);

drawWith(draw);
watchRoute(pageChanged);
hearKeys();
changed();
start();
dispatchEvent(new Event("apphost-ready"));
