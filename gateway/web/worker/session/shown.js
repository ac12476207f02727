// What the work screen shows: what is confirmed, and on top of it what was pressed and waits. A press shows at once; when it
// is refused it is gone from here, and told by the list of refusals.
import { computed, signal } from '../../shared/html.js';
import { recall, remember } from '../../shared/storage.js';
import { detail, ended, look, renewed, session, statusConfirmed } from '../whereabouts.js';
import { onEnd, waiting } from '../queue/queue.js';

const NONE = Object.freeze([]);

/** The commands that wait, of the session shown. */
const pending = computed(() => {
  const id = session.value?.id;
  return id ? waiting.value.filter((command) => command.body.sessionId === id) : NONE;
});

const sumOf = (name) => pending.value.reduce((sum, command) => sum + (command.body[name] ?? 0), 0);

/** Status and totals: {status, since, reasonId, note, isWaiting}, {good, scrap, goodWaiting, scrapWaiting}. */
export const shownStatus = computed(() => {
  const now = session.value;
  if (!now) return null;
  const at = detail.value?.sessionId === now.id ? detail.value : null;
  const first = { status: now.current_status, since: at?.since ?? Date.parse(now.last_status_change_at), reasonId: at?.reasonId ?? null, note: at?.note ?? null, isWaiting: false };
  return pending.value.filter((command) => command.name === 'status').reduce(
    (before, { body }) => ({
      status: body.status,
      since: body.status === before.status ? before.since : Date.parse(body.occurredAt),
      reasonId: body.reasonId ?? null,
      note: body.note ?? null,
      isWaiting: true,
    }),
    first,
  );
});

export const shownTotals = computed(() => {
  const now = session.value;
  if (!now) return null;
  const [goodWaiting, scrapWaiting] = [sumOf('good_delta'), sumOf('scrap_delta')];
  return { good: now.total_good + goodWaiting, scrap: now.total_scrap + scrapWaiting, goodWaiting, scrapWaiting };
});

/** Whether the end of this session was asked for, and waits. */
export const isEnding = computed(() => pending.value.some((command) => command.name === 'complete' || command.name === 'abandon'));
/** Whether the answers of this list wait. */
export const isAnswered = (kind) => pending.value.some((command) => command.name === 'checklist' && command.body.kind === kind);

/** What the socket has told while a command was on its way: it may have that command in it already. */
let held = null;
const isOnItsWay = () => pending.peek().some((command) => command.sent);

/** The own session as the feed tells it: none, or one. */
export function fromFeed(rows) {
  const [row] = rows;
  if (!row) {
    if (session.peek()) void look();
    return;
  }
  if (row.id !== session.peek()?.id) return void look();
  if (isOnItsWay()) held = row;
  else take(row);
}

/** The feed tells that a session is over. What was asked for here is told by its own answer. */
export function goneFromFeed(gone) {
  const id = session.peek()?.id;
  if (gone.some((one) => one.id === id) && !isEnding.peek()) void look();
}

function take(row) {
  const { worker: _worker, station: _station, job: _job, seq: _seq, ...record } = row;
  renewed(record);
}

function release() {
  if (!held || isOnItsWay()) return;
  const row = held;
  held = null;
  if (row.id === session.peek()?.id) take(row);
}

waiting.subscribe(release);

onEnd(({ type, command, body, error }) => {
  if (type === 'refused') {
    // Whatever the reason, what is shown may be wrong.
    if (command.body.sessionId === session.peek()?.id || error.code === 'SESSION_CLOSED') void look();
    return;
  }
  if (command.body.sessionId !== session.peek()?.id) return;
  if (command.name === 'status') statusConfirmed(body.event);
  else if (command.name === 'complete') completed(body.session);
  else if (command.name === 'abandon') ended(null);
  else renewed(body.session);
});

/** Completed: by this command, or before it by something else. */
function completed(last) {
  if (last.closed_cause === 'completed') ended(last);
  else void look();
}

const UNDO_AS = 'andon.undo';

function keptChanges() {
  try {
    return JSON.parse(recall(UNDO_AS, 'sessionStorage') ?? '[]');
  } catch {
    return [];
  }
}

/** Quantity changes made in this tab that can be taken back, the last one at the end: {id, sessionId, kind, change, reasonId}. */
export const undoable = signal(keptChanges());
undoable.subscribe((list) => remember(UNDO_AS, JSON.stringify(list), 'sessionStorage'));
