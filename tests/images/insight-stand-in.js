// A stand-in for Redis Insight, which cannot be had everywhere: answers on its port and on its health path, and
// shows the environment that it was started with. It is not Redis Insight, and says so on every page.
const http = require("http");
http
  .createServer((request, response) => {
    const isHealth = request.url.startsWith("/api/health");
    response.setHeader("Content-Type", "application/json");
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith("RI_")));
    response.end(JSON.stringify(isHealth ? { status: "up", standIn: true } : { standIn: true, environment }));
  })
  .listen(5540, "0.0.0.0");
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
