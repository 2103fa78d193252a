// Takes the README's pictures of the dashboard that runs at URL: those of PICTURES that it has data for.
// Usage: node pictures.js URL FOLDER      PLAYWRIGHT names the folder of playwright-core, CHROMIUM the browser
const path = require("node:path");
const { chromium } = require(process.env.PLAYWRIGHT || "playwright-core");

const SIZE = { width: 1200, height: 720 };
const PATIENT = 120_000;
// name, address, theme, what has to be seen before it is taken, and the page that has to be offered
const PICTURES = [
  ["resources", "#/resources", "light", ".failure .line", "resources"],
  ["logs", "#/logs", "dark", ".log .line:nth-child(20)", "logs"],
  ["redis", "#/redis/cache?tab=keys&key=text:config", "dark", ".value-text", "redis"],
  ["details", "#/resources/api", "light", ".newest .line", "resources"],
];

async function take(browser, [name, hash, theme, sign], folder) {
  const context = await browser.newContext({ viewport: SIZE, colorScheme: theme, storageState: browser.known });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENT);
  await page.goto(browser.base + hash, { waitUntil: "commit" });
  await page.waitForSelector(".brand .t-good");
  await page.waitForSelector(sign);
  // Figures come every two seconds, and lines of charts want some.
  await page.waitForTimeout(5000);
  await page.screenshot({ path: path.join(folder, `${name}.png`) });
  console.log(path.join(folder, `${name}.png`));
  await context.close();
}

// Logs in once, and sees which pages there are.
async function enter(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENT);
  await page.goto(url, { waitUntil: "commit" });
  await page.waitForSelector(".brand .t-good");
  await page.waitForSelector(".failure");
  await page.waitForTimeout(1000);
  browser.known = await context.storageState();
  browser.base = url.split("#")[0];
  const offered = await page.evaluate(() =>
    [...document.querySelectorAll("nav[aria-label=Pages] a")].map((link) => link.hash.slice(2)),
  );
  await context.close();
  return offered;
}

async function main() {
  const [url, folder] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  const offered = await enter(browser, url);
  const chosen = PICTURES.filter((picture) => offered.includes(picture[4]));
  for (const picture of chosen) await take(browser, picture, folder);
  await browser.close();
}

main().catch((error) => {
  console.error(String(error));
  process.exit(1);
});
