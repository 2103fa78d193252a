// The same job as apphost's, done by Testcontainers for Node: prints one line "import start stop many manyStop" in ms.
// Usage: node testcontainers.js FOLDER IMAGE MANY    FOLDER holds node_modules; MANY servers are started in parallel.
// Medians of five for start and stop of one server; the reaper container is off, which makes it faster.
const [folder, image, many] = process.argv.slice(2);
const now = () => performance.now();
const median = (list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];

async function timed(work) {
  const start = now();
  const result = await work();
  return [now() - start, result];
}

async function main() {
  const load = require('node:module').createRequire(`${folder}/`);
  const [importMs, { GenericContainer, Wait }] = await timed(async () => load('testcontainers'));
  const start = () =>
    new GenericContainer(image)
      .withCommand(['redis-server', '--save', '', '--protected-mode', 'no'])
      .withExposedPorts(6379)
      .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
      .start();
  const starts = [], stops = [];
  for (let i = 0; i < 5; i++) {
    const [startMs, container] = await timed(start);
    starts.push(startMs);
    stops.push((await timed(() => container.stop({ timeout: 0 })))[0]);
  }
  const [manyMs, all] = await timed(() => Promise.all(Array.from({ length: Number(many) }, start)));
  const [manyStopMs] = await timed(() => Promise.all(all.map((container) => container.stop({ timeout: 0 }))));
  console.log([importMs, median(starts), median(stops), manyMs, manyStopMs].map((ms) => ms.toFixed(1)).join(' '));
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
