// Requests to the server. Every one ends: with a body, with an ApiError (the server said no), or with a NetworkError (it
// said nothing). Logins travel as cookies.
//
//   await get('/api/stations?workerId=…')
//   await post('/api/status-events', {sessionId, status}, {idempotencyKey: id})
import { learnFromHeader } from './time.js';

/** The server gives a request 30 s; what takes longer on a bad line is better asked again. */
const TIMEOUT_MS = 15_000;

/** The server refused. `code` is the contract, `message` is for those who help; `retryAfterS` when it named a time. */
export class ApiError extends Error {
  constructor({ status, code, message, details, retryAfterS }) {
    super(message || code);
    this.name = 'ApiError';
    Object.assign(this, { status, code, details: details ?? null, retryAfterS: retryAfterS ?? null });
  }
}

/** Nothing came back, or nothing that was meant for us: whether the server did what was asked is not known. */
export class NetworkError extends Error {
  constructor(cause) {
    super('no answer', { cause });
    this.name = 'NetworkError';
  }
}

/** Aborts with the caller's signal or after the time; `AbortSignal.any` is missing in browsers of older tablets. */
function limited(signal, timeoutMs) {
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, timeoutMs);
  if (signal?.aborted) end();
  signal?.addEventListener('abort', end, { once: true });
  return { signal: ending.signal, done: () => (clearTimeout(timer), signal?.removeEventListener('abort', end)) };
}

function requestOf(method, body, { idempotencyKey, headers }) {
  const all = { Accept: 'application/json', ...headers };
  if (idempotencyKey) all['Idempotency-Key'] = idempotencyKey;
  if (body !== undefined) all['Content-Type'] = 'application/json';
  return { method, headers: all, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin', cache: 'no-store' };
}

async function read(response) {
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  if (response.ok && response.status === 204) return null;
  // An answer without a code of ours comes from something in between: a proxy, a captive portal.
  if (typeof body?.error !== 'string') throw new NetworkError(new Error(`status ${response.status}`));
  const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
  throw new ApiError({ status: response.status, code: body.error, message: body.message, details: body.details, retryAfterS: Number.isNaN(seconds) ? null : seconds });
}

async function ask(method, path, body, options = {}) {
  const limit = limited(options.signal, options.timeoutMs ?? TIMEOUT_MS);
  const sentAt = Date.now();
  try {
    const response = await fetch(path, { ...requestOf(method, body, options), signal: limit.signal });
    learnFromHeader(response.headers.get('Date'), sentAt, Date.now());
    return await read(response);
  } catch (error) {
    throw error instanceof ApiError || error instanceof NetworkError ? error : new NetworkError(error);
  } finally {
    limit.done();
  }
}

/** Options of all: `idempotencyKey`, `headers`, `signal` (an AbortSignal), `timeoutMs`. The body of GET is undefined. */
export const get = (path, body, options) => ask('GET', path, body, options);
export const post = (path, body, options) => ask('POST', path, body, options);
export const put = (path, body, options) => ask('PUT', path, body, options);
export const patch = (path, body, options) => ask('PATCH', path, body, options);
export const del = (path, body, options) => ask('DELETE', path, body, options);
