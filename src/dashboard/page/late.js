// Pages that are fetched when somebody goes there: the others are served without them.
import { changed } from "./frame.js";
import { empty, problem } from "./ui.js";

export function late(text, load) {
  let page = null;
  let failed = null;
  const begin = () => {
    failed = null;
    load().then(
      (found) => {
        page = found;
        changed();
      },
      (error) => {
        failed = error;
        changed();
      },
    );
  };
  return {
    title: () => page?.title() ?? text,
    enter: () => page || begin(),
    leave: () => page?.leave(),
    draw: () => page?.draw() ?? (failed ? problem(failed, begin) : empty("Loading…")),
  };
}
