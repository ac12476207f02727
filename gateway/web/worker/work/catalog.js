// Statuses of the station and reasons, as data: asked for when work begins, and kept on the tablet for a reload without
// network.
import { computed, signal } from '../../shared/html.js';
import { get } from '../../shared/api.js';
import { label, t } from '../../shared/i18n.js';
import { put, read } from '../queue/db.js';

/** {stationId, statuses, stop, scrap}; null: not there yet. */
const catalog = signal(null);
/** Why it is not there. */
export const catalogError = signal(null);

const CLASSES = ['production', 'setup', 'stoppage'];
/** What a status looks like that is not known: of another station, or removed since. */
const UNKNOWN = { color: '#64748b', machine_class: 'stoppage', requires_reason: false };

/** The plain one of each class stands before the others. */
const PLAIN = ['production', 'setup', 'stopped'];

/** The statuses to choose from: production first, then setup, then stoppages; built-in ones before others. */
export const statuses = computed(() => {
  const list = [...(catalog.value?.statuses ?? [])];
  const rank = (one) => CLASSES.indexOf(one.machine_class) * 3 + (PLAIN.includes(one.code) ? 0 : one.built_in ? 1 : 2);
  return list.sort((one, other) => rank(one) - rank(other));
});
/** Reasons by type. */
export const stopReasons = computed(() => catalog.value?.stop ?? []);
export const scrapReasons = computed(() => catalog.value?.scrap ?? []);

/** A status by its code. */
export const statusOf = (code) => statuses.value.find((one) => one.code === code) ?? { ...UNKNOWN, code };
/** Its name; before the start there is none. */
export const statusName = (code) => (code ? label(statusOf(code)) : t('worker.status.before'));
/** The label of a reason by its id; empty when it is not known. */
export function reasonName(id) {
  const found = [...stopReasons.value, ...scrapReasons.value].find((one) => one.id === id);
  return found ? label(found) : '';
}

/** Has the catalog of a station there: the kept one at once, the server's when it comes. */
export async function loadCatalog(stationId) {
  catalogError.value = null;
  const kept = await read('known', `catalog ${stationId}`).catch(() => undefined);
  if (kept && catalog.peek()?.stationId !== stationId) catalog.value = kept;
  try {
    const [{ statuses: list }, { reasons: stop }, { reasons: scrap }] = await Promise.all([
      get(`/api/statuses?stationId=${stationId}`), get('/api/reasons?type=stop'), get('/api/reasons?type=scrap'),
    ]);
    catalog.value = { key: `catalog ${stationId}`, stationId, statuses: list, stop, scrap };
    await put('known', catalog.value);
  } catch (error) {
    if (catalog.peek()?.stationId !== stationId) catalogError.value = error;
  }
}
