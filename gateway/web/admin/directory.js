// The factory's records as this page knows them: stations, workers, jobs, reasons, statuses; read once, then kept fresh.
import { signal, computed } from '../shared/html.js';
import { get } from '../shared/api.js';
import { withLogin } from './login_needed.js';

export const KINDS = ['worker', 'station', 'job', 'reason', 'status'];
/** The board learns of new stations and labels this late at most. */
const REFRESH_EVERY_MS = 60_000;

/** One list: `records` as [{sequence, record}], null before the first answer; `error` of the last try. */
const lists = Object.fromEntries(KINDS.map((kind) => [kind, signal({ records: null, error: null })]));
const underWay = new Map();

/** The list of a kind, as a signal's value. */
export const listOf = (kind) => lists[kind].value;

/** Reads a list anew; askers at the same time share one answer. */
export function reload(kind) {
  if (!underWay.has(kind)) {
    underWay.set(kind, read(kind).finally(() => underWay.delete(kind)));
  }
  return underWay.get(kind);
}

async function read(kind) {
  try {
    const { records } = await withLogin(() => get(`/api/admin/directory/${kind}`));
    lists[kind].value = { records, error: null };
  } catch (error) {
    lists[kind].value = { records: lists[kind].peek().records, error };
  }
}

/** Puts one record that was just read or written into its list. */
export function remember(kind, stored) {
  const known = lists[kind].peek().records ?? [];
  const others = known.filter((one) => keyOf(kind, one.record) !== keyOf(kind, stored.record));
  lists[kind].value = { records: [...others, stored], error: null };
}

/** Takes one record out of its list. */
export function forget(kind, id) {
  const known = lists[kind].peek().records ?? [];
  lists[kind].value = { records: known.filter((one) => keyOf(kind, one.record) !== id), error: null };
}

/** What names a record in an address. */
export const keyOf = (kind, record) => (kind === 'status' ? record.code : record.id);

const byKey = (kind) =>
  computed(() => new Map((lists[kind].value.records ?? []).map(({ record }) => [keyOf(kind, record), record])));

export const stations = byKey('station');
export const workers = byKey('worker');
export const reasons = byKey('reason');
/** What produces first, then what prepares, then what stands. */
const CLASS_ORDER = ['production', 'setup', 'stoppage'];
export const statuses = computed(() => {
  const list = (lists.status.value.records ?? []).map(({ record }) => record);
  const order = ({ machine_class: machineClass, built_in: builtIn }) => CLASS_ORDER.indexOf(machineClass) * 2 + (builtIn ? 0 : 1);
  list.sort((one, other) => order(one) - order(other) || one.code.localeCompare(other.code));
  return new Map(list.map((record) => [record.code, record]));
});
export const jobs = byKey('job');

/** Keeps these lists fresh while a page shows them; returns what ends it. */
export function keepFresh(kinds) {
  const again = () => {
    if (document.visibilityState === 'visible') kinds.forEach(reload);
  };
  kinds.forEach(reload);
  const timer = setInterval(again, REFRESH_EVERY_MS);
  document.addEventListener('visibilitychange', again);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', again);
  };
}
