// What the programs of the pictures do: log as programs do, answer over HTTP, put something into Redis, or fail.
// Usage: node play.js ROLE      ROLE: migrate, api, web, worker
const http = require("node:http");
const net = require("node:net");

const role = process.argv[2];
const paint = (code, text) => `\u001b[${code}m${text}\u001b[0m`;
const say = (level, text) => console.log(`${{ info: paint(32, "INFO"), warn: paint(33, "WARN") }[level]}  ${text}`);

// A few commands, one after the other; the answers do not matter here.
function redis(commands) {
  const socket = net.connect(Number(process.env.CACHE_PORT), process.env.CACHE_HOST);
  const packed = [["AUTH", process.env.CACHE_PASSWORD], ...commands].map(
    (words) => `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`,
  );
  socket.on("error", (error) => console.error(String(error)));
  return new Promise((resolve) => socket.end(packed.join(""), () => socket.resume().on("close", resolve)));
}

function seed() {
  const users = [1, 2, 3, 4].flatMap((id) => [
    [
      "HSET",
      `user:${id}`,
      "name",
      ["Ada", "Grace", "Edsger", "Barbara"][id - 1],
      "mail",
      `user${id}@example.com`,
      "visits",
      String(id * 7),
    ],
    ["RPUSH", `user:${id}:cart`, "espresso", "filter papers"],
    ["SETEX", `session:${id}f3a`, "3600", JSON.stringify({ user: id, roles: ["buyer"], theme: "dark" })],
  ]);
  return redis([
    ...users,
    ["ZADD", "leaderboard", "120", "ada", "99", "grace"],
    ["SADD", "tags", "new", "sale"],
    [
      "SET",
      "config",
      JSON.stringify({ currency: "EUR", limits: { cart: 20, orders: 5 }, features: ["search", "reviews"] }),
    ],
    ["XADD", "orders", "*", "user", "1", "total", "17.40"],
  ]);
}

async function migrate() {
  for (const step of ["0001_users", "0002_orders", "0003_search"]) {
    say("info", `applying ${paint(36, step)}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await seed();
  say("info", "3 migrations applied");
}

function serve() {
  let count = 0;
  http
    .createServer((request, response) => response.end("ok\n"))
    .listen(Number(process.env.PORT), "127.0.0.1", () => {
      say("info", `${role} listens on ${process.env.PORT}`);
      setInterval(
        () => {
          count += 1;
          const took = 3 + ((count * 7) % 40);
          if (took > 38) say("warn", `slow request ${paint(36, `/orders/${count}`)} took=${took * 9}ms`);
          else say("info", `GET ${paint(36, `/orders/${count % 97}`)} status=${paint(32, "200")} took=${took}ms`);
        },
        role === "api" ? 180 : 310,
      );
    });
}

// Later than everybody is ready: who fails before that ends `up`, and there is nothing to take a picture of.
function work() {
  say("info", "connecting to the queue");
  setTimeout(() => {
    console.error(paint(31, 'Error: queue "mail" does not exist'));
    console.error(
      "    at Worker.subscribe (/srv/shop/worker.js:48:11)\n    at async main (/srv/shop/worker.js:12:3)",
    );
    process.exit(4);
  }, 20_000);
}

({ migrate, api: serve, web: serve, worker: work })[role]();
