// The dashboard's page in a real browser, in front of a stand-in for its server: what it does with much, with
// hostile and with no data, by keyboard alone, in both themes and narrow. One tour a call, so that each is a test
// of its own. Usage: node dashboard-page.browser.js TOUR      PLAYWRIGHT, AXE: folders of playwright-core and
// axe-core; CHROMIUM Exit code 0 when all of it was seen. Whatever the content security policy refused, and every
// error of a script, fails it.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const { execFileSync } = require("node:child_process");
const { chromium } = require(process.env.PLAYWRIGHT || "playwright-core");
const { start, HOSTILE_NAME } = require("./dashboard-stand-in.js");
const { TRACE } = require("./dashboard-telemetry.js");

const PATIENT = Number(process.env.PATIENT_MS || 90_000);
const PAGES = [
  "resources",
  "resources/api",
  "resources/worker",
  "logs",
  "startup",
  "startup?table=1",
  "graph",
  "graph?list=1",
  "stats",
  "events",
  "redis",
  "redis/cache?tab=keys&key=text:config",
  "redis/cache?tab=slow",
  "redis/cache?tab=commands",
  "redis/cache?tab=clients",
  "redis/cache?tab=data",
  "redis/cache?tab=console",
  "traces",
  `traces/${TRACE}?span=02`,
  "telemetry",
  "telemetry?name=http.hits",
  "telemetry?tab=logs",
];

// The browser gives up its connections when a network of the machine changes, as it does beside other tests: no
// fault of ours.
const isOurs = (text) =>
  !/status of \d+|ERR_NETWORK_CHANGED|ERR_CONNECTION_|net::ERR_ABORTED|ERR_INCOMPLETE_CHUNKED/.test(text);

const QUIET = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

async function withBrowser(tour) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-component-update", "--disable-sync", ...QUIET],
  });
  try {
    await tour(browser);
  } finally {
    await browser.close();
  }
}

async function newContext(browser, { theme = "light", width = 1280 } = {}) {
  const permissions = ["clipboard-read", "clipboard-write"];
  const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme: theme, permissions });
  context.setDefaultTimeout(PATIENT);
  await context.addInitScript(() => {
    window.refused = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  return context;
}

async function isUnfaulted(page, faults) {
  if (!page.isClosed()) faults.push(...(await page.evaluate(() => window.refused)));
  assert.deepEqual(faults, [], "errors of scripts, or what the policy refused");
}

async function withPage(options, tour, look) {
  const server = await start(options);
  const visit = async (browser) => {
    const faults = [];
    const context = await newContext(browser, look);
    const page = await openTab(context, server, faults);
    await tour({ page, server, browser, context, faults });
    await isUnfaulted(page, faults);
  };
  await withBrowser(visit).finally(() => server.stop());
}

async function openTab(context, server, faults) {
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(String(error.stack)));
  page.on(
    "console",
    (message) => message.type() === "error" && isOurs(message.text()) && faults.push(message.text()),
  );
  await page.goto(server.url, { waitUntil: "commit" });
  await isLive(page);
  return page;
}

const isLive = (page) => page.waitForSelector(".brand .t-good");
const go = async (page, hash) => {
  await page.evaluate((to) => {
    location.hash = to;
  }, `#/${hash}`);
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
};
const isTrue = (page, what, argument) => page.waitForFunction(what, argument);

// ---- by keyboard alone ----

async function keyboard({ page, server }) {
  const { keyboard: keys } = page;
  await keys.press("?");
  await page.waitForSelector("dialog[open] .keys");
  await keys.press("Escape");
  await isTrue(page, () => !document.querySelector("dialog"));

  await keys.press("/");
  await keys.type("api");
  await isTrue(
    page,
    () => document.querySelectorAll(".resources .list-rows .row").length === 1 && location.hash.includes("q=api"),
  );
  await keys.press("ArrowDown");
  await keys.press("ArrowDown");
  await keys.press("Enter");
  await isTrue(page, () => document.querySelector("h1")?.textContent === "api");

  for (const [key, hash] of [
    ["l", "#/logs"],
    ["u", "#/startup"],
    ["g", "#/graph"],
    ["s", "#/stats"],
    ["k", "#/redis"],
    ["e", "#/events"],
    ["t", "#/traces"],
    ["m", "#/telemetry"],
    ["r", "#/resources"],
  ]) {
    await keys.press(key);
    await isTrue(
      page,
      (wanted) =>
        location.hash.split("?")[0] === wanted &&
        document.querySelector(`nav a[href="${wanted}"]`).getAttribute("aria-current") === "page",
      hash,
    );
  }

  await keys.press(".");
  await page.waitForSelector("dialog[open] .palette input:focus");
  await keys.type("restart cache");
  await isTrue(
    page,
    () => document.querySelector("[role=option][aria-selected=true]")?.textContent === "Restart cache",
  );
  await keys.press("Enter");
  await page.waitForSelector(".toast >> text=cache was restarted");
  assert.equal(server.requests.filter(({ parts }) => parts.join("/") === "resources/cache/restart").length, 1);

  await keys.press(".");
  await page.waitForSelector("dialog[open] .palette input:focus");
  await keys.type("restart worker");
  await isTrue(
    page,
    () => document.querySelector("[role=option][aria-selected=true]")?.textContent === "Restart worker",
  );
  await keys.press("Enter");
  await page.waitForSelector(".toast.t-bad >> text=worker ended with exit code 4");
}

// ---- a thousand resources that change ----

// Frames a second and the longest time of ours in one, over a while.
const measure = (page, ms) =>
  page.evaluate(
    (limit) =>
      new Promise((resolve) => {
        const began = performance.now();
        let frames = 0;
        const next = (now) => {
          frames += 1;
          if (now - began < limit) requestAnimationFrame(next);
          else resolve({ frames, seconds: (now - began) / 1000, elements: document.querySelectorAll("*").length });
        };
        requestAnimationFrame(next);
      }),
    ms,
  );

const rate = ({ frames, seconds }) => (frames / seconds).toFixed(0);

async function thousand({ page }) {
  await isTrue(page, () => document.querySelector(".tools [role=status]").textContent === "1\u202f000 resources");
  const seen = await measure(page, 3000);
  console.log(`1,000 resources, 500 changes a second: ${rate(seen)} frames a second, ${seen.elements} elements`);
  assert.ok(seen.elements < 1500, `only what is visible is in the document: ${seen.elements}`);
  assert.ok((await page.locator(".resources .list-rows .row").count()) < 60);

  await page.focus(".grid");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
  await isTrue(page, () => document.querySelector(".row.selected")?.getAttribute("aria-rowindex") === "1001");
  await page.keyboard.press("/");
  await page.keyboard.type("service-77");
  await isTrue(page, () => document.querySelectorAll(".resources .list-rows .row").length === 11);
  await go(page, "resources/service-777");
  await isTrue(page, () => document.querySelector("h1")?.textContent === "service-777");
}

// ---- a hundred thousand lines while 5,000 a second arrive ----

async function lines({ page, server }) {
  await go(page, "logs");
  await isTrue(
    page,
    () =>
      Number(
        /([\d\u202f]+) lines/.exec(document.querySelector(".notes").textContent)?.[1].replaceAll("\u202f", ""),
      ) > 3000,
  );
  const seen = await measure(page, 3000);
  console.log(`5,000 lines a second: ${rate(seen)} frames a second, ${seen.elements} elements`);
  assert.ok(seen.elements < 1200, `only what is visible is in the document: ${seen.elements}`);

  // Up: the page stops following, and what is read stays where it is. Set, not rolled: rolling goes on for some frames.
  await page.evaluate(() => (document.querySelector(".log").scrollTop -= 2_000));
  await isTrue(page, () => document.querySelector("#follow").getAttribute("aria-pressed") === "false");
  const middle = () => {
    const list = document.querySelector(".log").getBoundingClientRect();
    return document.elementFromPoint(list.left + 300, list.top + list.height / 2).closest(".line")?.textContent;
  };
  await isTrue(page, middle);
  const reading = () => page.evaluate(middle);
  const line = await reading();
  await page.waitForTimeout(1500);
  assert.equal(await reading(), line, "the line that is read does not move while others arrive");

  await late(page, server, reading);
  await scrollUntil(page, 60_000);
  await page.fill("#filter", "attempt 7");
  await isTrue(
    page,
    () =>
      / of /.test(document.querySelector(".notes").textContent) &&
      document.querySelectorAll(".log mark").length > 0,
  );
  assert.ok(
    await page.evaluate(() =>
      [...document.querySelectorAll(".log .line .text")].every((text) => text.textContent.includes("attempt 7")),
    ),
  );
  await page.fill("#filter", "");
  await page.focus(".log");
  await page.keyboard.press("End");
  await isTrue(page, () => document.querySelector("#follow").getAttribute("aria-pressed") === "true");
  await page.mouse.move(640, 500);
  await page.mouse.wheel(0, -600);
  await isTrue(page, () => document.querySelector("#follow").getAttribute("aria-pressed") === "false");
}

// A line that comes late belongs among older ones: put in above what is read, it does not move that.
async function late(page, server, reading) {
  await page.focus(".log");
  await page.keyboard.press("End");
  await isTrue(page, () => document.querySelector("#follow").getAttribute("aria-pressed") === "true");
  server.state.rate = 0; // what follows is about what is there
  const before = Date.now() - 200;
  await page.waitForTimeout(300);
  await page.evaluate(() => (document.querySelector(".log").scrollTop -= 200));
  await isTrue(page, () => document.querySelector("#follow").getAttribute("aria-pressed") === "false");
  const line = await reading();
  const notes = await page.textContent(".notes");
  server.send("log", { resource: "worker", lines: [before, before].map((time) => [time, 1, "late"]) });
  await isTrue(page, (was) => document.querySelector(".notes").textContent !== was, notes);
  assert.equal(await reading(), line, "a line that is put in above what is read does not move it");
}

// Older lines are fetched from the files whenever the top is reached.
async function scrollUntil(page, wanted) {
  await isTrue(
    page,
    (count) => {
      document.querySelector(".log").scrollTop = 0;
      return (
        Number(
          /([\d\u202f]+) line/.exec(document.querySelector(".notes").textContent)?.[1].replaceAll("\u202f", ""),
        ) >= count
      );
    },
    wanted,
  );
}

// ---- hostile names, lines and keys ----

async function hostile({ page }) {
  await page.waitForSelector(".failures");
  const asText = await page.evaluate(() => document.body.textContent);
  assert.ok(
    asText.includes("<b onclick=alert(1)>\\u{202e}evil,&name"),
    "a name is shown as it is, and what hides is spelt out",
  );
  await go(page, `resources/${encodeURIComponent(HOSTILE_NAME)}`);
  await isTrue(page, () => document.querySelector("h1")?.textContent.startsWith("<b onclick"));
  await go(page, "logs");
  await isTrue(page, () => document.querySelectorAll(".log .line").length > 10);
  const shown = await page.evaluate(() =>
    [...document.querySelectorAll(".log .line .text")].map((text) => text.textContent),
  );
  assert.ok(shown.some((text) => text.includes("<img src=x onerror=")));
  assert.ok(
    shown.some((text) => text === "click"),
    "a link of a terminal is its text",
  );
  assert.ok(shown.some((text) => text === "plain after a title"));
  assert.ok(shown.some((text) => text.includes("turned \\u{202e} txt.exe")));
  await go(page, "redis/cache?tab=keys");
  for (const key of ["<script>alert(1)</script>", '"onx=', "turned\\u{202e}gnp.exe", "base64:/wAx"]) {
    await page.click(`.tree-row >> text=${key}`);
    await page.waitForSelector(".value-text");
  }
  const found = await page.evaluate(() => ({
    title: document.title,
    strange: document.querySelectorAll("main img, main script, main iframe, main b, #app [onclick], #app [onerror]")
      .length,
  }));
  assert.equal(found.strange, 0);
  assert.ok(!found.title.includes("owned"));
}

// ---- the server goes, and comes back ----

async function reconnect({ page, server }) {
  server.state.session = "no-session";
  server.send("session", { state: "no-session" });
  await page.waitForSelector(".notice >> text=Nothing runs");
  await isTrue(page, () => !document.querySelector(".actions button"));
  server.state.session = "running";
  server.send("session", { state: "running", session: { id: "next" } });
  await isTrue(page, () => !document.querySelector(".notice.t-warn"));

  const { port } = server;
  await server.stop();
  await page.waitForSelector(".notice >> text=The dashboard does not answer");
  assert.ok((await page.locator(".resources .list-rows .row").count()) > 5, "what was known stays");
  const next = await start({ port, resources: 12 });
  await isLive(page);
  await isTrue(page, () => document.querySelector(".tools [role=status]").textContent === "12 resources");
  await next.stop();
}

// ---- ten tabs, one stream; a wrong token ----

async function tabs({ page, server, context, faults }) {
  const others = [];
  for (let i = 0; i < 9; i++) others.push(await openTab(context, server, faults));
  await Promise.all(others.map(isLive));
  server.send("changes", { rev: 5000, resources: [{ ...server.state.records[0], restarts: 77 }] });
  for (const tab of [page, ...others])
    await isTrue(tab, () =>
      [...document.querySelectorAll(".c-restarts")].some((cell) => cell.textContent === "77"),
    );
  await waitFor(() => server.state.streams.size === 1);
  await Promise.all(others.map((tab) => tab.close()));
  await page.close();
  await waitFor(() => server.state.streams.size === 0);

  const stranger = await context.browser().newContext();
  const late = await stranger.newPage();
  await late.goto(`http://127.0.0.1:${server.port}/#t=bad0`, { waitUntil: "commit" });
  await late.waitForSelector(".login");
  assert.ok(!(await late.evaluate(() => location.href)).includes("bad0"), "the token leaves the address bar");
  await late.fill("#token", "also-bad");
  await late.keyboard.press("Enter");
  await late.waitForSelector(".login [role=alert]");
  await late.fill("#token", `http://shop.localhost:1/#t=${server.state.token}`);
  await late.keyboard.press("Enter");
  await late.waitForSelector(".resources .list-rows .row");
}

async function waitFor(holds) {
  for (const end = Date.now() + PATIENT; Date.now() < end;) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`does not hold: ${holds}`);
}

// ---- secrets, actions, the state in the address ----

async function details({ page, server }) {
  await go(page, "resources/cache");
  const value = page.locator("section[aria-labelledby=s-connection-strings] .value").first();
  assert.equal(await value.textContent(), "127.0.0.1:26379,password=***");
  await page.click("button[aria-label='Reveal ConnectionStrings__cache'] >> nth=0");
  await page.waitForSelector("text=password=s3cret");
  await page.click("button[aria-label='Hide ConnectionStrings__cache'] >> nth=0");
  await isTrue(page, () => !document.body.textContent.includes("s3cret"));
  await page.click("button[aria-label='Copy ConnectionStrings__cache'] >> nth=0");
  await page.waitForSelector(".toast >> text=Copied ConnectionStrings__cache");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "127.0.0.1:26379,password=s3cret");
  assert.ok(
    server.requests.filter(({ parts }) => parts.at(-1) === "reveal").length >= 2,
    "asked for when somebody asks, and only then",
  );

  const entries = () => document.querySelectorAll("section[aria-labelledby=s-environment] dl > div").length;
  const all = await page.evaluate(entries);
  await page.click("text=Only what references bring");
  await page.waitForFunction((count) => {
    const left = document.querySelectorAll("section[aria-labelledby=s-environment] dl > div").length;
    return left > 0 && left < count;
  }, all);

  await page.click("button[aria-label='Kill cache']");
  await page.click("dialog >> text=Cancel");
  await isTrue(page, () => !document.querySelector("dialog"));
  assert.equal(server.requests.filter(({ parts }) => parts.at(-1) === "kill").length, 0);
  await page.click("button[aria-label='Stop cache']");
  await page.waitForSelector(".toast >> text=cache is stopped");
  await isTrue(page, () =>
    [...document.querySelectorAll(".heading button")].some((button) => button.textContent === "Start"),
  );

  await go(page, "resources?q=e&state=good");
  await page.reload();
  await isTrue(
    page,
    () =>
      document.querySelector("#filter")?.value === "e" &&
      document.querySelectorAll(".resources .list-rows .row").length > 0,
  );
  await go(page, "redis/cache?tab=console");
  await page.fill("#command", 'HGETALL "user:1"');
  await page.keyboard.press("Enter");
  await page.waitForSelector(".console pre >> text=name: Ada");
}

// ---- telemetry: from a list to a span, from there to the key; what was logged stands where it happened ----

async function telemetry({ page }) {
  await go(page, "traces");
  await page.click(".waterfall a >> text=GET /cart");
  await page.waitForSelector("h1 >> text=GET /cart");
  const rows = await page.locator(".waterfall .list-rows .row").allTextContents();
  assert.equal(rows.length, 4);
  assert.match(rows[0], /GET \/cart.*40 ms api/);
  assert.match(rows[1], /<img src=x.*ERROR · api/);
  assert.match(rows[2], /GET.*4 ms worker/);
  await page.click(".waterfall .row >> nth=2 >> a");
  await page.click(".facts a >> text=text:config");
  await isTrue(page, () => location.hash.startsWith("#/redis/cache?") && location.hash.includes("text%3Aconfig"));
  await page.click(".value-side >> text=Traces of it");
  await isTrue(page, () => location.hash === "#/traces?q=text%3Aconfig");
  await page.waitForSelector("text=5 spans gone, the oldest first: memory is full; 2 exports refused");

  await go(page, "telemetry");
  await page.click("a >> text=http.hits");
  await page.waitForSelector(".chart >> text=route=/");
  await go(page, "telemetry?tab=logs");
  await page.click("td a >> text=trace");
  await page.waitForSelector("h1 >> text=GET /cart");
  assert.equal(await page.evaluate(() => window.hurt), undefined);
}

// ---- what a screen reader and a narrow window get ----

async function accessible(look) {
  const axe = fs.readFileSync(`${process.env.AXE}/axe.min.js`, "utf8");
  await withPage(
    { hostile: true },
    async ({ page }) => {
      // Not through a script element: the page's policy would refuse that.
      await page.evaluate(axe);
      const faults = [];
      const check = async (hash) => faults.push(...(await judge(page, hash, look)));
      for (const hash of PAGES) {
        await go(page, hash);
        await isTrue(page, () => !document.querySelector("main").textContent.includes("Loading…"));
        await page.waitForTimeout(400);
        await check(hash);
      }
      await page.keyboard.press("?");
      await page.waitForSelector("dialog[open]");
      await check("help");
      await page.keyboard.press("Escape");
      await page.keyboard.press(".");
      await page.waitForSelector("dialog[open] .palette");
      await check("palette");
      assert.deepEqual(faults, [], `${look.theme}, ${look.width} px`);
    },
    look,
  );
}

async function judge(page, hash, { width }) {
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const faults = found.violations.map(
    ({ id, nodes }) =>
      `${hash}: ${id}: ${nodes
        .slice(0, 3)
        .map((node) => `${node.html.slice(0, 160)} ${node.any[0]?.message || ""}`)
        .join(" | ")}`,
  );
  const wide = await page.evaluate(() => {
    const main = document.querySelector("main");
    return Math.max(document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth);
  });
  if (wide > 0) faults.push(`${hash}: ${wide} px wider than ${width}`);
  return faults;
}

// ---- in front of the real program: its policy, its stream, its data, and what kill -9 of either half leaves ----

const program = (...words) => execFileSync(process.env.APPHOST, words, { encoding: "utf8", timeout: 120_000 });

// Given again while the browser drops its connections, which it does when a network of the machine changes.
async function command(page, text, sign) {
  const broken = page.locator(".entry >> text=the connection broke");
  do {
    const seen = await broken.count();
    await page.fill("#command", text);
    await page.keyboard.press("Enter");
    await page.locator(sign).or(broken.nth(seen)).first().waitFor();
  } while (!(await page.locator(sign).count()));
}

// Masked, shown, hidden again, copied one by one and all at once: as the command line tells them.
async function realStrings(page) {
  await go(page, "resources/cache");
  const part = page.locator("section[aria-labelledby=s-connection-strings]");
  assert.match(await part.locator(".value").first().textContent(), /^127\.0\.0\.1:\d+,password=\*\*\*$/);
  assert.ok(!(await part.textContent()).includes("not-for-everybody"));
  await part.locator("button[aria-label='Reveal ConnectionStrings__cache']").click();
  await part.locator(".value >> text=password=not-for-everybody").waitFor();
  await part.locator("button[aria-label='Hide ConnectionStrings__cache']").click();
  await part.locator(".value >> text=password=***").waitFor();
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await part.locator("button[aria-label='Copy CACHE_URI']").click();
  await page.waitForSelector(".toast >> text=Copied CACHE_URI");
  assert.match(await copied(), /^redis:\/\/default:not-for-everybody@127\.0\.0\.1:\d+$/);
  await part.locator("text=Copy as .env").click();
  await page.waitForSelector(".toast >> text=Copied connection strings");
  assert.match(await copied(), /^ConnectionStrings__cache=127\.0\.0\.1:\d+,password=not-for-everybody$/m);
}

// A snapshot, nothing, commands of a file, and back; the server's figures as a line over time.
async function realData(page) {
  const keys = () => program("redis", "cache", "--", "DBSIZE").trim();
  program("redis", "cache", "--", "SET", "kept", "1");
  await go(page, "redis/cache?tab=data");
  await page.fill("input[aria-label='Name of a snapshot']", "clean");
  await page.click("text=Take a snapshot");
  await page.waitForSelector(".toast >> text=Snapshot clean of cache: 1 key");
  await page.click("text=Empty it");
  await page.fill("dialog input", "cache");
  await page.click("dialog >> text=Delete everything");
  await page.waitForSelector(".toast >> text=Empty cache: done");
  assert.match(keys(), /0$/);
  const file = { name: "seed.redis", mimeType: "text/plain", buffer: Buffer.from("SET a 1\nSET b 2\nSET c 3\n") };
  await page.setInputFiles("input[type=file]", file);
  await page.waitForSelector(".toast >> text=Fill from seed.redis: 3 commands");
  await page.click("button[aria-label='Restore clean']");
  await page.fill("dialog input", "cache");
  await page.click("dialog >> text=Restore >> nth=-1");
  await page.waitForSelector(".toast >> text=Restore clean: 1 key");
  assert.match(keys(), /1$/);
  await go(page, "redis/cache");
  await page.waitForSelector(".chart >> text=Commands a second");
}

async function real(browser) {
  const faults = [];
  const context = await newContext(browser);
  const page = await openTab(context, { url: program("dashboard").trim() }, faults);
  await page.waitForSelector(".failure >> text=exit code 4");
  await page.waitForSelector(".failure .tail >> text=no database");
  await page.click("button[aria-label='Restart api'] >> nth=0");
  await page.waitForSelector(".toast >> text=api was restarted");

  await page.keyboard.press("l");
  await isTrue(page, () =>
    [...document.querySelectorAll(".log .text")].some(
      (text) => text.textContent === "<img src=x onerror=alert(1)>",
    ),
  );
  await go(page, "resources/api");
  await page.click("button[aria-label='Reveal CACHE_PASSWORD']");
  await page.waitForSelector("text=not-for-everybody");
  await realStrings(page);

  await go(page, "redis/cache?tab=console");
  await command(page, "SET greeting hello", ".t-bad button >> text=Allow changes");
  await page.click(".entry >> text=Allow changes >> nth=-1");
  await command(page, "SET greeting hello", ".entry pre >> text=OK");
  await go(page, "redis/cache?tab=keys");
  await page.click(".tree-row >> text=greeting");
  await page.waitForSelector(".value-text >> text=hello");
  await page.click(".value-side >> text=Delete");
  await page.click("dialog >> text=Delete >> nth=-1");
  await page.waitForSelector(".toast >> text=Deleted greeting");
  await realData(page);
  await go(page, "resources/api");

  const session = () => page.evaluate(() => fetch("/api/v1/session").then((answer) => answer.json()));
  process.kill((await session()).dashboard.pid, "SIGKILL");
  await page.waitForSelector(".notice >> text=The dashboard does not answer");
  program("dashboard");
  await isLive(page);

  process.kill((await session()).session.pid, "SIGKILL");
  await page.waitForSelector(".notice >> text=Nothing runs");
  program("up", "-d", "api");
  await isTrue(
    page,
    () => !document.querySelector(".notice") && document.querySelector(".heading .state")?.textContent === "ready",
  );
  // This start beside the last session's.
  await go(page, "startup");
  await page.waitForSelector(".waterfall .row >> text=, was ");
  await isUnfaulted(page, faults);
}

// ---- logs of the real program: back to the first line, and what was missed while nobody looked ----

const hasCount = (page, wanted) =>
  isTrue(
    page,
    (count) =>
      Number(
        /([\d\u202f]+) lines?/.exec(document.querySelector(".notes").textContent)?.[1].replaceAll("\u202f", ""),
      ) === count,
    wanted,
  );
const hasLine = (page, wanted) =>
  isTrue(page, (text) => [...document.querySelectorAll(".log .text")].some((one) => one.textContent === text), wanted);

// To the first line, by the key, pressed again as long as there is more.
async function toFirst(page, wanted, first) {
  const isThere = () =>
    page.evaluate((text) => document.querySelector(".log .text")?.textContent === text, first);
  await page.focus(".log");
  for (const end = Date.now() + PATIENT; Date.now() < end && !(await isThere()); ) {
    await page.keyboard.press("Home");
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)));
  }
  await hasCount(page, wanted);
}

// A tab behind another one: this browser shows all of them, so it is told.
const hide = (page, isHidden) =>
  page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
  }, isHidden ? "hidden" : "visible");

async function realLogs(browser) {
  const faults = [];
  const context = await newContext(browser);
  const page = await openTab(context, { url: program("dashboard").trim() }, faults);
  await go(page, "logs?r=many");
  await toFirst(page, 4000, "many 1");
  await go(page, "logs");
  await toFirst(page, 6500, "many 1");

  // What is looked for is found in lines that were not loaded yet.
  await go(page, "resources");
  await go(page, "logs?r=many&regex=1&q=many+17%24");
  await page.click("button >> text=Older lines");
  await hasLine(page, "many 17");

  await go(page, "resources");
  await go(page, "logs?r=few");
  await hasLine(page, "few 2500");
  await hasCount(page, 1000);
  await hide(page, true);
  program("restart", "few");
  await hide(page, false);
  await hasCount(page, 3500);
  await isUnfaulted(page, faults);
}

const TOURS = {
  keyboard: () => withPage({}, keyboard),
  thousand: () => withPage({ resources: 1000, changes: 500 }, thousand),
  lines: () => withPage({ lines: 100_000, rate: 5000 }, lines),
  hostile: () => withPage({ hostile: true }, hostile),
  reconnect: () => withPage({}, reconnect),
  tabs: () => withPage({}, tabs),
  details: () => withPage({}, details),
  telemetry: () => withPage({}, telemetry),
  real: () => withBrowser(real),
  "real-logs": () => withBrowser(realLogs),
  "axe-light": () => accessible({ theme: "light", width: 1280 }),
  "axe-dark": () => accessible({ theme: "dark", width: 1280 }),
  "axe-narrow": () => accessible({ theme: "light", width: 400 }),
};

const tour = TOURS[process.argv[2]];
if (!tour) {
  console.error(`which tour? ${Object.keys(TOURS).join(", ")}`);
  process.exit(2);
}
tour().then(
  () => process.exit(0),
  (error) => {
    console.error(error.stack || String(error));
    process.exit(1);
  },
);
