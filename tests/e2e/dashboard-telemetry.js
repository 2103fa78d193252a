// Telemetry as the stand-in for the dashboard's server tells it: one trace of two services with a log record and a
// span that leads to Redis, hostile words, a metric of two series.
const TRACE = "0af7651916cd43dd8448eb211c80319c";
const BEGIN_MS = Date.now() - 60_000;

const nanos = (ms) => `${BEGIN_MS + Math.round(ms)}000000`;
const texts = (pairs) => Object.entries(pairs).map(([key, stringValue]) => ({ key, value: { stringValue } }));
const resource = (name) => ({ attributes: texts({ "service.name": name }) });

const span = (id, parent, name, from, to, more = {}) => ({
  traceId: TRACE,
  spanId: id,
  parentSpanId: parent,
  name,
  startTimeUnixNano: nanos(from),
  endTimeUnixNano: nanos(to),
  ...more,
});

const HOSTILE = '<img src=x onerror="window.hurt=1">\u202e';
const LOGS = [
  {
    resource: resource("api"),
    scopeLogs: [
      {
        logRecords: [
          {
            traceId: TRACE,
            spanId: "01",
            timeUnixNano: nanos(12),
            severityNumber: 17,
            severityText: "ERROR",
            body: { stringValue: HOSTILE },
            attributes: texts({ "cart.id": "7" }),
          },
        ],
      },
    ],
  },
];

const trace = () => ({
  resourceSpans: [
    {
      resource: resource("api"),
      scopeSpans: [
        { spans: [span("01", "", "GET /cart", 0, 40), span("03", "01", HOSTILE, 20, 30, { status: { code: 2 } })] },
      ],
    },
    {
      resource: resource("worker"),
      scopeSpans: [
        {
          spans: [
            span("02", "01", "GET", 5, 9, {
              attributes: texts({ "db.system.name": "redis", "db.query.text": "GET text:config", "db.namespace": "0" }),
            }),
          ],
        },
      ],
    },
  ],
  resourceLogs: LOGS,
});

const traces = () => ({
  count: 1,
  traces: [
    {
      traceId: TRACE,
      name: "GET /cart",
      service: "api",
      services: ["api", "worker"],
      startTimeUnixNano: nanos(0),
      durationMs: 40,
      spans: 3,
      errors: 1,
    },
  ],
});

const point = (i, route) => ({
  timeUnixNano: nanos(i * 1000),
  asDouble: Math.sin(i / 5) + 2,
  attributes: texts({ route }),
});

function metrics(query) {
  if (!query.get("name"))
    return { metrics: [{ name: "http.hits", service: "api", kind: "sum", unit: "1", description: "how many" }] };
  const dataPoints = Array.from({ length: 60 }, (_, i) => [point(i, "/"), point(i, HOSTILE)]).flat();
  return {
    resourceMetrics: [
      { resource: resource("api"), scopeMetrics: [{ metrics: [{ name: "http.hits", sum: { dataPoints } }] }] },
    ],
  };
}

const kept = (received, dropped) => ({ received, dropped, kept: received - dropped, bytes: 4096 });
const sums = () => ({
  port: 4318,
  exports: 9,
  refused: 2,
  traces: kept(8, 5),
  logs: kept(1, 0),
  metrics: kept(1, 0),
});

// What the path below /api/v1 gives.
function telemetry(parts, query) {
  if (parts[0] === "traces") return parts[1] ? trace() : traces();
  if (parts[1] === "logs") return { resourceLogs: LOGS };
  if (parts[1] === "metrics") return metrics(query);
  return sums();
}

module.exports = { telemetry, TRACE };
