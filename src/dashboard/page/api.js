// Talks to the dashboard's own server. Every answer is data or a Problem; a Problem has what a person needs: what,
// why, what to do. A server that is gone and a session that is gone are told apart, because they end differently.
const BASE = "/api/v1";
const LIMIT_MS = 20_000;
// A browser drops its connections when a network comes or goes, as with each container. What only asks is asked
// again.
const TRIES = 3;
const AGAIN_MS = 200;

export class Problem extends Error {
  constructor(status, body) {
    super(body.message || `the dashboard answered ${status}`);
    this.status = status;
    this.code = body.code;
    this.hint = body.hint;
    this.source = body.source;
    this.resource = body.resource;
  }
}

let onLoggedOut = () => {};
export const whenLoggedOut = (callback) => {
  onLoggedOut = callback;
};

export const url = (path, query = {}) => {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== "" && value !== null) given.set(key, value);
  }
  const text = given.toString();
  return text ? `${BASE}${path}?${text}` : BASE + path;
};

export async function get(path, query, options = {}) {
  return answer(await send("GET", url(path, query), undefined, options));
}

export async function post(path, body = {}, options = {}) {
  return answer(await send("POST", BASE + path, body, options));
}

export async function remove(path, body = {}) {
  return answer(await send("DELETE", BASE + path, body, {}));
}

async function send(method, address, body, { limitMs = LIMIT_MS, signal } = {}) {
  const request = { method, credentials: "same-origin", cache: "no-store", headers: {} };
  request.signal = withLimit(limitMs, signal);
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  for (let tries = 1; ; tries++) {
    try {
      return await fetch(address, request);
    } catch (error) {
      if (method !== "GET" || tries === TRIES || error.name !== "TypeError")
        throw unanswered(error, limitMs, method);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS * tries));
    }
  }
}

function withLimit(limitMs, signal) {
  const limits = signal ? [signal] : [];
  if (limitMs) limits.push(AbortSignal.timeout(limitMs));
  return AbortSignal.any(limits);
}

function unanswered(error, limitMs, method) {
  if (error.name === "AbortError") return error;
  if (error.name === "TimeoutError") {
    return new Problem(0, { code: "timeout", message: `no answer within ${limitMs / 1000} s` });
  }
  if (method !== "GET") {
    const hint = "It may be under way all the same: the state tells.";
    return new Problem(0, { code: "gone", message: "the connection broke before there was an answer", hint });
  }
  const hint = "Is `apphost dashboard` still running? This page connects again by itself.";
  return new Problem(0, { code: "gone", message: "the dashboard does not answer", hint });
}

async function answer(response) {
  const text = await response.text();
  const body = readJson(text);
  if (response.status === 401) onLoggedOut();
  if (!response.ok) throw new Problem(response.status, body || { message: text.slice(0, 300) });
  return body;
}

function readJson(text) {
  if (!text) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Records one a line, as logs come; what cannot be read is left out.
export async function getLines(path, query, options = {}) {
  const response = await send("GET", url(path, query), undefined, options);
  if (!response.ok) return answer(response);
  const text = await response.text();
  return text.split("\n").map(readJson).filter(Boolean);
}
