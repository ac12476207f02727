// Where the worker is, as the server says: without a session, before the start checklist, at work. Kept on the tablet, so
// that a reload without network shows the work and not an empty page.
import { computed, signal } from '../shared/html.js';
import { ApiError, get } from '../shared/api.js';
import { recall, remember } from '../shared/storage.js';
import { loginEnded, loginWorks, workerId } from './identity.js';
import { put, read } from './queue/db.js';

/** An answer that takes longer is not waited for, when something is kept. */
const PATIENCE_MS = 800;

/**
 * {kind: 'unknown', error?} | {kind: 'none', previous?} | {kind: 'pending' | 'working', session, station, job,
 * graceExpiresAt}, with `isOld` when it is what the tablet remembers.
 */
export const where = signal({ kind: 'unknown' });
/** The active session as it is confirmed, or null. */
export const session = computed(() => where.value.session ?? null);
/** A session that this tablet attended and that somebody else ended: {id, cause, at, session, station, job, next}. */
export const notice = signal(null);
/** After how long a silence the server closes a session; null: not known. */
export const idleMs = signal(null);
/** The session that was completed, for its summary: {session, station, job}. */
export const summary = signal(null);
/** The session that this tablet attends: {id, station, job}. */
let attended = null;
/** Since when the status lasts, with its reason and note: the server tells them only when they change. */
export const detail = signal(null);
let round = 0;

/** Forgets the worker before, and reads what is kept of this one. */
export async function begin() {
  round += 1;
  [where.value, notice.value, detail.value, attended] = [{ kind: 'unknown' }, null, null, null];
  const id = workerId.peek();
  if (!id) return;
  const kept = await read('known', id).catch(() => undefined);
  if (id !== workerId.peek() || !kept) return;
  attended = kept.attended ?? null;
  detail.value = kept.detail ?? null;
  notice.value = kept.notice ?? null;
}

function keep() {
  const id = workerId.peek();
  if (!id) return;
  const now = where.peek();
  void put('known', { key: id, where: now.kind === 'unknown' ? null : now, attended, detail: detail.peek(), notice: notice.peek() }).catch(() => undefined);
}

/** Asks the server. What it says replaces what was believed; without an answer, what is kept is shown. */
export async function look() {
  const id = workerId.peek();
  if (!id) return;
  const mine = (round += 1);
  const patience = setTimeout(() => without(null, id, mine), PATIENCE_MS);
  try {
    const answer = await get(`/api/workers/active-session?workerId=${id}`);
    loginWorks(id);
    if (mine === round) settle(answer);
  } catch (error) {
    if (mine !== round) return;
    if (error instanceof ApiError && error.status === 401) loginEnded(id);
    await without(error, id, mine);
  } finally {
    clearTimeout(patience);
  }
}

/** Nothing is known anew: the work goes on with what is kept, if anything is. */
async function without(error, id, mine) {
  if (where.peek().kind !== 'unknown') return;
  const kept = await read('known', id).catch(() => undefined);
  if (mine !== round || where.peek().kind !== 'unknown') return;
  where.value = kept?.where?.session ? { ...kept.where, isOld: true } : { kind: 'unknown', error };
}

function settle({ session: at, pending, previous }) {
  const kind = at ? 'working' : pending ? 'pending' : 'none';
  const found = newest(at ?? pending ?? null);
  if (attended && attended.id !== found?.session.id) endedElsewhere(found, previous);
  where.value = found ? { kind, ...found } : { kind, previous: previous ?? null };
  if (found) followDetail(found.session);
  if (found?.graceExpiresAt) idleMs.value = Date.parse(found.graceExpiresAt) - Date.parse(found.session.last_seen_at);
  keep();
}

/** An answer that was on its way while a command was done is older than what is shown. */
function newest(found) {
  const shown = where.peek();
  const isOlder = found && shown.session?.id === found.session.id && found.session.updated_at < shown.session.updated_at;
  return isOlder ? { ...found, session: shown.session } : found;
}

/** Since when a status lasts: a reason that is added to it later does not begin it anew. */
function followDetail(now) {
  const known = detail.peek();
  if (known?.sessionId === now.id && known.status === now.current_status) return;
  detail.value = now.current_status ? { sessionId: now.id, status: now.current_status, since: Date.parse(now.last_status_change_at), reasonId: null, note: null } : null;
}

function endedElsewhere(next, previous) {
  const last = previous?.session.id === attended.id ? previous : null;
  const cause = last?.session.closed_cause ?? (next ? 'replaced' : null);
  const at = last?.session.ended_at ?? next?.session.created_at ?? null;
  if (cause === 'completed') summary.value = last;
  else notice.value = { id: attended.id, cause, at, effectiveEnd: last?.session.effective_end_at ?? null, session: last?.session ?? null, station: attended.station, job: attended.job, next: Boolean(next) };
  attended = null;
}

/** The tablet follows the session there is: if somebody else ends it, the person is told. */
export function attend() {
  const { session: now, station, job } = where.peek();
  if (!now || attended?.id === now.id) return;
  attended = { id: now.id, station, job };
  keep();
}

/** Somebody is told how the session ended. */
export function acknowledge() {
  if (notice.peek()) tell(notice.peek().id);
  notice.value = null;
  keep();
}

const TOLD_AS = 'andon.told';
/** The last session whose end the person knows of. */
const told = signal(recall(TOLD_AS));

/** Notes that the person knows how this session ended. */
export function tell(id) {
  told.value = id;
  remember(TOLD_AS, id);
}

/** The worker's last session, when somebody else ended it, and the person was not told. */
export const untold = computed(() => {
  const last = where.value.previous;
  const isOwn = ['completed', 'abandoned'].includes(last?.session.closed_cause);
  return last && !isOwn && told.value !== last.session.id ? last : null;
});

/** The session has been opened here. */
export function opened(now, station, job) {
  round += 1;
  where.value = { kind: now.current_status ? 'working' : 'pending', session: now, station, job, graceExpiresAt: null };
  attended = { id: now.id, station, job };
  followDetail(now);
  keep();
}

/** The server has answered with the session as it is now. An older state than the one shown is left alone. */
export function renewed(now) {
  const before = where.peek();
  if (before.session?.id !== now.id || now.updated_at < before.session.updated_at) return;
  if (now.status !== 'active') return void look();
  where.value = { ...before, kind: now.current_status ? 'working' : 'pending', session: { ...before.session, ...now }, isOld: false };
  followDetail(now);
  keep();
}

/** The server has answered a status with the interval that runs now. */
export function statusConfirmed(event) {
  const before = where.peek();
  if (before.session?.id !== event.session_id || event.started_at < before.session.updated_at) return;
  const goesOn = detail.peek()?.sessionId === event.session_id && detail.peek().status === event.status;
  detail.value = { sessionId: event.session_id, status: event.status, since: goesOn ? detail.peek().since : Date.parse(event.started_at), reasonId: event.reason_id, note: event.note };
  where.value = { ...before, session: { ...before.session, current_status: event.status, last_status_change_at: event.started_at, updated_at: event.started_at } };
  keep();
}

/** The session was ended by the person here. */
export function ended(last) {
  const { station, job } = where.peek();
  if (last) summary.value = { session: last, station, job };
  round += 1;
  attended = null;
  where.value = { kind: 'none', previous: null };
  keep();
}
