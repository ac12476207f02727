// The sessions on the board: one signal a session and one a station, so that a change redraws its own tile and no other.
// What the feed tells is collected and put in once a frame.
import { batch, signal } from '../../shared/html.js';

/** Hidden pages get no animation frames: what has come is put in after this time at the latest. */
const FLUSH_WITHIN_MS = 1_000;
/** Sessions that are redrawn in one frame: a burst of hundreds is spread over some frames, so that scrolling stays smooth. */
const SESSIONS_PER_FRAME = 60;

const byId = new Map();
const atStation = new Map();
const NOBODY = Object.freeze([]);

/** Sums over all sessions; replaced when one of them changes. */
export const counts = signal({ active: 0, production: 0, setup: 0, stoppage: 0, preparing: 0, good: 0, scrap: 0 });
/** What sessions had that were closed since this page began, for as long as history does not tell it. */
export const gone = { good: 0, scrap: 0 };
/** Counts up whenever a session comes, goes, or changes its status: what filters look at. */
export const statusesChanged = signal(0);
/** Whether a first picture has arrived. */
export const filled = signal(false);

let classOf = () => 'stoppage';
let waiting = [];
let frame = 0;
let timer = 0;

/** The signal of a session; undefined when it is not open. */
export const sessionSignal = (id) => byId.get(id);

/** The signal of the ids of the sessions at a station, in the order of their opening. */
export function idsAt(stationId) {
  if (!atStation.has(stationId)) atStation.set(stationId, signal(NOBODY));
  return atStation.get(stationId);
}

/** Every open session as it is now. */
export const openSessions = () => Array.from(byId.values(), (one) => one.peek());

/** Tells the machine class of a status code: a list that is edited elsewhere. */
export function classifyWith(classify) {
  classOf = classify;
  batch(count);
}

/** Everything at once: what is not in it is not open any more. */
export function replaceAll(sessions) {
  later(() => {
    const kept = new Set(sessions.map((session) => session.id));
    for (const id of [...byId.keys()]) if (!kept.has(id)) remove(id);
    sessions.forEach((session) => put(session, true));
    filled.value = true;
  });
}

/** What has changed: sessions as they are now, and the ids of those that are gone. */
export function change(set, del) {
  for (let from = 0; from < set.length; from += SESSIONS_PER_FRAME) {
    const part = set.slice(from, from + SESSIONS_PER_FRAME);
    later(() => part.forEach((session) => put(session, false)), part.length);
  }
  if (del.length > 0) later(() => del.forEach(removeKnown), del.length);
}

function removeKnown({ id, seq }) {
  if ((byId.get(id)?.peek().seq ?? 0) <= seq) remove(id);
}

/** Signs of life: [id, milliseconds since 1970]. They are read by clocks and redraw nothing. */
export function seen(list) {
  later(() => {
    for (const [id, at] of list) {
      const session = byId.get(id)?.peek();
      if (session) session.seen_ms = Math.max(at, session.seen_ms);
    }
  });
}

function put(session, whole) {
  const known = byId.get(session.id);
  const before = known?.peek();
  if (before && !whole && session.seq < before.seq) return;
  session.seen_ms = Math.max(Date.parse(session.last_seen_at), before?.seen_ms ?? 0);
  if (known) {
    known.value = session;
    if (before.station.id !== session.station.id) leave(before.station.id, session.id);
  } else {
    byId.set(session.id, signal(session));
  }
  const ids = idsAt(session.station.id);
  if (!ids.peek().includes(session.id)) ids.value = inOrder([...ids.peek(), session.id]);
}

function remove(id) {
  const session = byId.get(id)?.peek();
  if (!session) return;
  byId.delete(id);
  gone.good += session.total_good;
  gone.scrap += session.total_scrap;
  leave(session.station.id, id);
}

function leave(stationId, id) {
  const ids = idsAt(stationId);
  ids.value = ids.peek().filter((one) => one !== id);
}

const inOrder = (ids) =>
  ids.sort((one, other) => byId.get(one).peek().created_at.localeCompare(byId.get(other).peek().created_at));

function count() {
  const sums = { active: byId.size, production: 0, setup: 0, stoppage: 0, preparing: 0, good: 0, scrap: 0 };
  for (const one of byId.values()) {
    const session = one.peek();
    sums[session.current_status === null ? 'preparing' : classOf(session.current_status)] += 1;
    sums.good += session.total_good;
    sums.scrap += session.total_scrap;
  }
  counts.value = sums;
  statusesChanged.value += 1;
}

/** Puts `change` in with a frame to come; `size`: how many sessions it redraws. */
function later(change, size = 0) {
  waiting.push({ change, size });
  if (!timer) plan();
}

function plan() {
  frame = requestAnimationFrame(() => flush(SESSIONS_PER_FRAME));
  timer = setTimeout(() => flush(Infinity), FLUSH_WITHIN_MS);
}

function flush(most) {
  cancelAnimationFrame(frame);
  clearTimeout(timer);
  timer = 0;
  batch(() => {
    for (let size = 0; waiting.length > 0 && size < most; size += waiting.shift().size) waiting[0].change();
    count();
  });
  if (waiting.length > 0) plan();
}

/** Forgets everything: somebody else signs in. */
export function clear() {
  waiting = [];
  batch(() => {
    [...byId.keys()].forEach(remove);
    filled.value = false;
    count();
  });
}
