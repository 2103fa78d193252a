// Opens Redis Commander in a real browser and looks for keys in its tree.
// Usage: node commander.browser.js URL SERVER:KEY…      PLAYWRIGHT names the folder of playwright-core
// Exit code 0 when every key was seen below its server; a screenshot is left at $SCREENSHOT when that is set.
const PATIENCE = 120000; // milliseconds: a limit of what waits, not of what is expected
const { chromium } = require(process.env.PLAYWRIGHT || "playwright-core");

// A browser drops what it is loading when a network of the machine comes or goes, as those of other tests do:
// it is loaded again.
async function load(page, url) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      await page.goto(url, { waitUntil: "domcontentloaded", timeout: PATIENCE });
      await page.locator("#keyTree li").first().waitFor({ timeout: 20000 });
      return;
    } catch (error) {
      if (Date.now() >= deadline) throw error;
    }
  }
}

async function main() {
  const [url, ...wanted] = process.argv.slice(2);
  const browser = await chromium.launch({
    timeout: PATIENCE,
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync"],
  });
  const page = await browser.newPage();
  await load(page, url);
  for (const pair of wanted) {
    const [server, key] = pair.split(":");
    const root = page.locator(`#keyTree li[id="R:${server}:6379:0"]`);
    const leaf = root.locator(".jstree-anchor", { hasText: key });
    await root.waitFor({ timeout: PATIENCE });
    // The first server opens by itself, a moment later: only what is still closed is clicked.
    for (let tries = 0; !(await leaf.isVisible()) && tries < 200; tries++) {
      const isClosed = ((await root.getAttribute("class")) || "").includes("jstree-closed");
      if (isClosed) await root.locator("> .jstree-ocl").click();
      await leaf.waitFor({ timeout: 500 }).catch(() => {});
    }
    await leaf.waitFor({ timeout: 1000 });
    console.log(`${server}: ${key} is shown`);
  }
  if (process.env.SCREENSHOT) await page.screenshot({ path: process.env.SCREENSHOT, fullPage: true });
  await browser.close();
}
main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
