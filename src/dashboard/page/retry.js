// Loads the page again when one of its parts did not arrive. A browser gives up what it is loading when the
// machine's networks change, and they change whenever a container starts, which is when this page is opened most. A
// classic script, so that it is there before the modules are asked for.
addEventListener(
  "error",
  (event) => {
    if (!(event.target instanceof HTMLElement)) return;
    const tries = Number(sessionStorage.getItem("apphost.tries") || 0);
    if (tries >= 8) return;
    sessionStorage.setItem("apphost.tries", String(tries + 1));
    setTimeout(() => location.reload(), 150 * (tries + 1));
  },
  true,
);

addEventListener("apphost-ready", () => sessionStorage.removeItem("apphost.tries"));
