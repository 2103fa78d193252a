// Which pages there are: one table for the navigation, the keys, the palette and the help.
import { late } from "./late.js";
import * as events from "./page-events.js";
import * as graph from "./page-graph.js";
import * as logs from "./page-logs.js";
import * as resource from "./page-resource.js";
import * as resources from "./page-resources.js";
import * as startup from "./page-startup.js";
import * as stats from "./page-stats.js";
import { route } from "./route.js";
import { store } from "./store.js";

export const PAGES = [
  { id: "resources", key: "r", text: "Resources", module: resources },
  { id: "logs", key: "l", text: "Logs", module: logs },
  { id: "startup", key: "u", text: "Start-up", module: startup },
  { id: "graph", key: "g", text: "Graph", module: graph },
  { id: "stats", key: "s", text: "Stats", module: stats },
  { id: "redis", key: "k", text: "Redis", module: late("Redis", () => import("./later-redis.js")) },
  { id: "traces", key: "t", text: "Traces", module: late("Traces", () => import("./later-traces.js")) },
  { id: "telemetry", key: "m", text: "Metrics", module: late("Telemetry", () => import("./later-metrics.js")) },
  { id: "events", key: "e", text: "Events", module: events },
];

export const offered = () => PAGES.filter((page) => !store.absent.has(page.id));

export function pageOf({ page, name }) {
  if (page === "resources" && name) return resource;
  return (PAGES.find((one) => one.id === page) || PAGES[0]).module;
}

export const current = () => pageOf(route());
