// Dialogs: questions that need an answer. A native dialog keeps focus inside, and Escape closes it.
import { h } from "./dom.js";
import { afterPaint, changed } from "./frame.js";
import { button } from "./ui.js";

let open = null;

export const isOpen = () => Boolean(open);

// content(close) draws the inside; the promise has what close() was given, undefined after Escape.
export function show(content, label) {
  return new Promise((resolve) => {
    open?.close();
    const before = document.activeElement;
    const own = {
      content,
      label,
      close: (answer) => {
        if (open !== own) return;
        open = null;
        changed();
        afterPaint(() => before?.isConnected && before.focus());
        resolve(answer);
      },
    };
    open = own;
    changed();
  });
}

export const closeDialog = () => open?.close();

export function showDialog() {
  if (!open) return null;
  const own = open;
  return h(
    "dialog",
    {
      key: own,
      "aria-label": own.label,
      ref: (node) => afterPaint(() => node.isConnected && node.showModal()),
      oncancel: (event) => {
        event.preventDefault();
        own.close();
      },
      onclick: (event) => event.target.tagName === "DIALOG" && own.close(),
    },
    h("div", { class: "dialog" }, own.content(own.close)),
  );
}

// typed: what has to be typed before "yes" is allowed, for what cannot be undone.
export function confirm({ title, text, yes, typed }) {
  let given = "";
  const isAllowed = () => !typed || given === typed;
  return show(
    (close) =>
      h(
        "form",
        {
          method: "dialog",
          onsubmit: (event) => {
            event.preventDefault();
            if (isAllowed()) close(true);
          },
        },
        h("h2", {}, title),
        h("p", {}, text),
        typed
          ? h(
              "label",
              {},
              `Type “${typed}” to go on`,
              h("input", {
                value: given,
                autofocus: true,
                autocomplete: "off",
                oninput: (event) => {
                  given = event.target.value;
                  changed();
                },
              }),
            )
          : null,
        h(
          "div",
          { class: "row end" },
          button("Cancel", () => close(false)),
          h(
            "button",
            { type: "submit", class: "danger", "aria-disabled": String(!isAllowed()), autofocus: !typed },
            yes,
          ),
        ),
      ),
    title,
  );
}
