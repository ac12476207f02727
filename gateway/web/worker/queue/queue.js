// The commands of the worker in this tab that are not confirmed yet, and those that were refused. What a person presses is
// in `waiting` at once, and on the tablet a moment later; all tabs of the browser see the same.
import { computed, signal } from '../../shared/html.js';
import { newId } from '../../shared/ids.js';
import { occurredNow } from '../../shared/time.js';
import { exchange, ofWorker, put, remove, REMOVE } from './db.js';

/** Commands that wait, in order: {order, worker, id, name, body, group, sent}. `sent`: it may have arrived. */
export const waiting = signal([]);
/** Commands that were refused, until a person has seen them: the command and {code, message, details, at}. */
export const refused = signal([]);
/** How many wait. */
export const waitingCount = computed(() => waiting.value.length);

const listeners = new Set();
const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('andon.queue') : null;
let worker = null;
/** Pressed here, and not on the tablet yet. */
const fresh = new Map();

/** Hears of commands' ends: `told({type: 'confirmed' | 'refused', command, body | error})`, from every tab. */
export function onEnd(told) {
  listeners.add(told);
  return () => listeners.delete(told);
}

/** Called whenever there is something to send. */
export const wake = { now: () => {} };

/** Shows the queue of this worker; null: nobody's. */
export async function showQueueOf(id) {
  worker = id;
  [waiting.value, refused.value] = [[], []];
  await reread();
}

async function reread() {
  const whose = worker;
  if (!whose) return;
  const [commands, refusals] = await Promise.all([ofWorker('commands', whose), ofWorker('refused', whose)]);
  if (whose !== worker) return;
  const kept = new Set(commands.map((command) => command.id));
  waiting.value = [...commands, ...[...fresh.values()].filter((command) => command.worker === whose && !kept.has(command.id))];
  refused.value = refusals.sort((one, other) => one.order - other.order);
}

/**
 * Puts commands at the end, and has them sent; `group`: a refusal of one takes the others along. Returns their ids.
 * `commands`: [{name, body}, …].
 */
export function enqueue(commands) {
  const group = commands.length > 1 ? newId() : null;
  const all = commands.map(({ name, body }) => ({ worker, id: newId(), name, group, sent: false, body: { ...body, occurredAt: occurredNow() } }));
  all.forEach((command) => fresh.set(command.id, command));
  waiting.value = [...waiting.peek(), ...all];
  void keep(all);
  return all.map((command) => command.id);
}

async function keep(commands) {
  for (const command of commands) {
    const order = await put('commands', command);
    fresh.delete(command.id);
    waiting.value = waiting.peek().map((one) => (one.id === command.id ? { ...one, order } : one));
  }
  channel?.postMessage({ type: 'changed' });
  wake.now();
}

/** Takes commands back that were not sent yet; those that were stay. */
export async function withdraw(ids) {
  for (const { id, order } of waiting.peek()) {
    if (ids.includes(id) && order !== undefined) await exchange('commands', order, (held) => (held && !held.sent ? REMOVE : null));
  }
  await changed();
}

/** Notes that a command is on its way: from now on the server may have done it. False: it was taken back. */
export async function markSent(command) {
  const held = await exchange('commands', command.order, (now) => (now ? { ...now, sent: true } : null));
  await changed();
  return held !== null;
}

/** The server has done a command. */
export async function confirmed(command, body) {
  await remove('commands', command.order);
  tell({ type: 'confirmed', command, body });
  await changed();
}

/** The server has refused a command: it and what hangs on it is kept for the person to see. */
export async function refuse(command, error) {
  const rest = command.group ? (await ofWorker('commands', command.worker)).filter((one) => one.group === command.group && one.id !== command.id) : [];
  const at = occurredNow();
  await put('refused', { ...command, error: { code: error.code, message: error.message, details: error.details }, at });
  await remove('commands', command.order, ...rest.map((one) => one.order));
  tell({ type: 'refused', command, error: { code: error.code, details: error.details } });
  await changed();
}

/** A person has seen refusals. */
export async function dismiss(ids) {
  await remove('refused', ...ids);
  await changed();
}

async function changed() {
  channel?.postMessage({ type: 'changed' });
  await reread();
}

function tell(end) {
  listeners.forEach((told) => told(end));
  channel?.postMessage(end);
}

channel?.addEventListener('message', ({ data }) => {
  if (data.type !== 'changed') {
    if (data.command.worker === worker) listeners.forEach((told) => told(data));
    return;
  }
  void reread();
});
