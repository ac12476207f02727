// Signs of life of the session, and what the server pushes: the worker's socket, a beat every 15 s over it or by POST, a
// beacon when the page is hidden, and a screen that stays on.
import { computed, effect, signal } from '../../shared/html.js';
import { ApiError, get, post } from '../../shared/api.js';
import { openFeed } from '../../shared/feed.js';
import { serverNow } from '../../shared/time.js';
import { loginEnded, loginWorks, mustSignInAgain, resuming, workerId } from '../identity.js';
import { wake } from '../queue/queue.js';
import { attend, look, session, where } from '../whereabouts.js';
import { fromFeed, goneFromFeed } from './shown.js';

const BEAT_EVERY_MS = 15_000;
const BEAT = '/api/sessions/heartbeat';

/** The connection to the server: the state of the socket, as `feed.js` tells it; null while nobody is signed in. */
export const connection = signal(null);
/** When the session will be closed for silence, as the server warned: {sessionId, expiresAt, warnedAt}; null when all is well. */
export const grace = signal(null);
/** When the server was last known to have had a sign of life of the session, in milliseconds. */
export const heardAt = signal(0);
/** The session that somebody attends here: only then are signs of life sent. */
export const attendedId = computed(() => (resuming.value || where.value.kind === 'none' ? null : session.value?.id ?? null));
/** Whether the browser keeps the screen on. */
export const staysOn = signal(false);

let feed = null;

function connect(id) {
  feed = openFeed({
    path: '/api/worker/socket',
    parameters: { workerId: id },
    sse: false,
    probe: () => get(`/api/stations?workerId=${id}`),
    on: {
      snapshot: fromFeed,
      delta: (set, del) => {
        if (set.length > 0) fromFeed(set);
        goneFromFeed(del);
      },
      seen: (list) => list.forEach(([one, at]) => one === session.peek()?.id && heard(at)),
      frame: (frame) => {
        if (frame.type === 'grace') grace.value = { sessionId: frame.session_id, expiresAt: Date.parse(frame.expires_at), warnedAt: serverNow() };
      },
    },
  });
  const stop = feed.state.subscribe((state) => {
    connection.value = state;
    if (state.kind === 'live') {
      wake.now();
      beat();
    }
    if (state.kind === 'ended') loginEnded(id);
  });
  return () => {
    stop();
    feed.close();
    feed = null;
    connection.value = null;
  };
}

function heard(at) {
  heardAt.value = Math.max(heardAt.peek(), at);
  if (grace.peek() && at > grace.peek().warnedAt) grace.value = null;
}

/** A sign of life now. */
function beat() {
  const id = attendedId.peek();
  if (!id) return;
  // That it was heard is told by the next ping, not by having been sent.
  if (connection.peek()?.kind === 'live' && feed?.send({ type: 'heartbeat' })) return;
  void beatByPost(id);
}

async function beatByPost(id) {
  try {
    const { ok } = await post(BEAT, { sessionId: id }, { timeoutMs: BEAT_EVERY_MS });
    loginWorks(workerId.peek());
    if (!ok) return void look();
    grace.value = null;
    heard(serverNow());
    feed?.again();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) loginEnded(workerId.peek());
  }
}

function beacon() {
  const id = attendedId.peek();
  if (id) navigator.sendBeacon?.(BEAT, JSON.stringify({ sessionId: id }));
}

let lock = null;
async function stayOn() {
  if (!navigator.wakeLock || lock || !attendedId.peek() || document.visibilityState !== 'visible') return;
  try {
    lock = await navigator.wakeLock.request('screen');
    staysOn.value = true;
    lock.addEventListener('release', () => {
      lock = null;
      staysOn.value = false;
    });
  } catch {
    // Battery saving, for example: the screen goes off as it is set.
  }
}

/** Begins; called once. */
export function live() {
  // An effect each: a session that comes or goes is no reason to connect anew.
  effect(() => {
    const id = workerId.value;
    return id && !mustSignInAgain.value ? connect(id) : undefined;
  });
  effect(() => {
    if (session.value) attend();
  });
  effect(() => {
    if (!attendedId.value) return void lock?.release();
    beat();
    void stayOn();
  });
  setInterval(beat, BEAT_EVERY_MS);
  window.addEventListener('pagehide', beacon);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') return beacon();
    beat();
    void stayOn();
    void look();
  });
}
