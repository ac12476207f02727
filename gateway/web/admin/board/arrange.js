// Which stations the board shows, in which order and groups: by what the address asks for.
import { computed } from '../../shared/html.js';
import { label, t } from '../../shared/i18n.js';
import { stations, statuses } from '../directory.js';
import { place } from '../router.js';
import { idsAt, openSessions, sessionSignal, statusesChanged } from './store.js';

/** Station types in the order of a print shop's work. */
export const STATION_TYPES = ['prepress', 'digital_press', 'offset', 'folding', 'cutting', 'binding', 'shrink', 'lamination', 'other'];
/** States of a station that are no status: nobody there, and before the start gate. */
export const FREE = 'free';
export const PREPARING = 'preparing';

/** What the address asks for. */
export const wanted = computed(() => {
  const { query } = place.value;
  return {
    types: query.getAll('type'),
    states: query.getAll('status'),
    text: (query.get('q') ?? '').trim().toLocaleLowerCase(),
    by: query.get('group') === 'status' ? 'status' : 'type',
  };
});

const natural = new Intl.Collator(undefined, { numeric: true });

/** Every station in use: those of the directory, and those that only a session knows. */
export const allStations = computed(() => {
  statusesChanged.value;
  const found = new Map();
  for (const session of openSessions()) found.set(session.station.id, session.station);
  for (const station of stations.value.values()) {
    if (station.is_active || found.has(station.id)) found.set(station.id, station);
  }
  const list = [...found.values()].sort((one, other) => natural.compare(one.code, other.code));
  return keep('all', list);
});

/** The groups to show: `[{key, stations}]`. Lists that are the same stay the same object, so nothing is redrawn. */
export const groups = computed(() => {
  const asked = wanted.value;
  const shown = allStations.value.filter((station) => isWanted(station, asked));
  const keyed = new Map();
  for (const station of shown) {
    const key = asked.by === 'type' ? station.station_type : (statesAt(station.id)[0] ?? FREE);
    keyed.set(key, [...(keyed.get(key) ?? []), station]);
  }
  const order = asked.by === 'type' ? STATION_TYPES : [...statuses.value.keys(), PREPARING, FREE];
  return [...keyed.keys()]
    .sort((one, other) => order.indexOf(one) - order.indexOf(other))
    .map((key) => ({ key: `${asked.by} ${key}`, title: titleOf(asked.by, key), stations: keep(`${asked.by} ${key}`, keyed.get(key)) }));
});

const titleOf = (by, key) => (by === 'type' ? t(`admin.station_type.${key}`) : stateLabel(key));

/** A state in words. */
export function stateLabel(state) {
  if (state === FREE) return t('admin.board.free');
  if (state === PREPARING) return t('admin.status.preparing');
  const known = statuses.value.get(state);
  return known ? label(known) : state;
}

const kept = new Map();

function keep(key, list) {
  const before = kept.get(key);
  if (before && before.length === list.length && before.every((station, index) => station === list[index])) return before;
  kept.set(key, list);
  return list;
}

function statesAt(stationId) {
  statusesChanged.value;
  const ids = idsAt(stationId).value;
  return ids.map((id) => sessionSignal(id)?.peek()?.current_status ?? PREPARING);
}

function isWanted(station, { types, states, text }) {
  if (types.length > 0 && !types.includes(station.station_type)) return false;
  if (states.length > 0) {
    const here = statesAt(station.id);
    if (!(here.length === 0 ? states.includes(FREE) : here.some((state) => states.includes(state)))) return false;
  }
  return text === '' || wordsOf(station).some((word) => word?.toLocaleLowerCase().includes(text));
}

function wordsOf(station) {
  statusesChanged.value;
  const sessions = idsAt(station.id).value.map((id) => sessionSignal(id)?.peek()).filter(Boolean);
  const theirs = sessions.flatMap(({ worker, job }) => [worker.full_name, job.job_number, job.customer_name]);
  return [station.name, station.code, ...theirs];
}
