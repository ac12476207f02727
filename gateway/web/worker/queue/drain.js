// Sending what waits: one command at a time, in order, each with its own id until there is an answer to it. One command
// at a time means that at most one of them is of unknown outcome, which the server can always tell.
import { signal } from '../../shared/html.js';
import { ApiError, NetworkError, get, post } from '../../shared/api.js';
import { loginEnded, worker } from '../identity.js';
import { ofWorker, workersWaiting } from './db.js';
import { alone } from './lock.js';
import { confirmed, markSent, refuse, wake } from './queue.js';

const ROUTES = {
  checklist: '/api/checklists/responses',
  status: '/api/status-events',
  quantities: '/api/sessions/quantities',
  complete: '/api/sessions/complete',
  abandon: '/api/sessions/abandon',
};

const WAIT_FIRST_MS = 1_000;
const WAIT_MAX_MS = 15_000;
/** The server answers 503 within 12 s; whoever waits longer waits for nobody. */
const ANSWER_WITHIN_MS = 15_000;
/** An error of the server's own may pass; one that comes every time is told. */
const INTERNAL_MAX = 5;
/** Others who use this tablet may have left something behind. */
const OTHERS_EVERY_MS = 60_000;

/** Why nothing goes out: null, or {code, since}. */
export const stuck = signal(null);

let waitMs = WAIT_FIRST_MS;
let timer = 0;
let running = false;
let wanted = false;
const failedInside = new Map();

/** Sends now what waits, as far as it goes. */
export async function drain() {
  wanted = true;
  if (running) return;
  running = true;
  clearTimeout(timer);
  try {
    while (wanted) {
      wanted = false;
      const mine = worker.peek()?.id;
      if (mine) await alone(`queue.${mine}`, (stillMine) => sendAll(mine, stillMine));
    }
  } catch (error) {
    again(error);
  } finally {
    running = false;
  }
}

wake.now = () => void drain();

function again(error) {
  const asked = error instanceof ApiError && error.retryAfterS ? error.retryAfterS * 1_000 : 0;
  stuck.value = { code: error.code ?? 'NETWORK', since: stuck.peek()?.since ?? Date.now() };
  clearTimeout(timer);
  if (error.code === 'LOGIN_REQUIRED') return;
  timer = setTimeout(drain, Math.max(asked, waitMs * (0.5 + Math.random() / 2)));
  waitMs = Math.min(waitMs * 2, WAIT_MAX_MS);
}

async function sendAll(whose, stillMine) {
  for (;;) {
    const [next] = await ofWorker('commands', whose);
    if (!next) break;
    if (!(await stillMine())) return;
    await send(next);
    waitMs = WAIT_FIRST_MS;
    stuck.value = null;
  }
  stuck.value = null;
}

/** Sends one command. Throws when it has to be sent again. */
async function send(command) {
  if (!command.sent && !(await markSent(command))) return;
  try {
    const body = await post(ROUTES[command.name], command.body, { idempotencyKey: command.id, timeoutMs: ANSWER_WITHIN_MS });
    await confirmed(command, body);
  } catch (error) {
    if (await isFinal(command, error)) return refuse(command, error);
    throw error;
  }
}

async function isFinal(command, error) {
  if (!(error instanceof ApiError)) return false;
  if (error.status === 401) return loginEnded(command.worker), false;
  if ([408, 429, 503].includes(error.status)) return false;
  if (error.status === 403 || error.status === 404) return isSignedIn(command.worker);
  if (error.status < 500) return true;
  const times = (failedInside.get(command.id) ?? 0) + 1;
  failedInside.set(command.id, times);
  return times >= INTERNAL_MAX;
}

/** To the server somebody else's session does not exist: a refusal counts only when the worker is signed in here. */
async function isSignedIn(whose) {
  try {
    await get(`/api/workers/active-session?workerId=${whose}`);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError) || ![401, 403].includes(error.status)) throw error;
    loginEnded(whose);
    throw new ApiError({ status: 401, code: 'LOGIN_REQUIRED' });
  }
}

/** Sends what others left behind, if they are still signed in; else it waits until they come back. */
async function drainOthers() {
  for (const whose of await workersWaiting()) {
    if (whose === worker.peek()?.id) continue;
    await alone(`queue.${whose}`, (stillMine) => sendAll(whose, stillMine)).catch((error) => error instanceof NetworkError);
  }
}

setInterval(() => void drainOthers(), OTHERS_EVERY_MS);
window.addEventListener('online', () => void drain());
document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && void drain());
