// What a person does on the work screen, as commands.
import { enqueue, onEnd, withdraw } from '../queue/queue.js';
import { session, where } from '../whereabouts.js';
import { shownStatus, shownTotals, undoable } from './shown.js';

/** As many presses back as anybody remembers. */
const UNDO_MAX = 20;
export const QUANTITY_MAX = 1_000_000_000;

const idOf = () => session.peek().id;

/** Changes the status. Pressing the one that runs, with nothing new to say, does nothing. */
export function setStatus(status, { reasonId = null, note = null } = {}) {
  if (status === shownStatus.peek().status && !reasonId && !note) return;
  enqueue([{ name: 'status', body: { sessionId: idOf(), status, ...(reasonId && { reasonId }), ...(note && { note }) } }]);
}

/** Adds to `kind` (`good` or `scrap`); never below nothing. */
export function count(kind, delta, reasonId = null) {
  const total = shownTotals.peek()[kind];
  const change = Math.max(-total, Math.min(delta, QUANTITY_MAX - total));
  if (change === 0) return;
  const [id] = send(kind, change, reasonId);
  undoable.value = [...undoable.peek(), { id, sessionId: idOf(), kind, change, reasonId }].slice(-UNDO_MAX);
}

function send(kind, change, reasonId) {
  return enqueue([{ name: 'quantities', body: { sessionId: idOf(), [`${kind}_delta`]: change, ...(reasonId && { reasonId }) } }]);
}

/** Takes the last change back. */
export function undo() {
  const last = undoable.peek().at(-1);
  if (!last) return;
  undoable.value = undoable.peek().slice(0, -1);
  if (last.sessionId !== session.peek()?.id) return;
  const change = Math.max(-last.change, -shownTotals.peek()[last.kind]);
  if (change !== 0) send(last.kind, change, last.reasonId);
}

/** Answers a checklist; the end list completes the session with it. */
export function answer(kind, responses) {
  const { session: now, station } = where.peek();
  const checklist = { name: 'checklist', body: { sessionId: now.id, stationId: station.id, kind, responses } };
  return enqueue(kind === 'end' ? [checklist, { name: 'complete', body: { sessionId: now.id } }] : [checklist]);
}

/** Completes a session whose end list is answered, or that has none. */
export const complete = () => enqueue([{ name: 'complete', body: { sessionId: idOf() } }]);

/** Gives the session up. */
export const abandon = () => enqueue([{ name: 'abandon', body: { sessionId: idOf(), reason: 'worker_choice' } }]);

/** Takes the end of the session back, when it was not sent yet. */
export const stay = (ids) => withdraw(ids);

// What was refused was never counted: there is nothing to take back.
onEnd(({ type, command }) => {
  if (type === 'refused') undoable.value = undoable.peek().filter((change) => change.id !== command.id);
});
