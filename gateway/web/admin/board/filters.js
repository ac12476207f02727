// What the board shows: chosen here, kept in the address.
import { html, computed } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { statuses } from '../directory.js';
import { setQuery } from '../router.js';
import { Icon } from '../widgets/icon.js';
import { statusColors, statusOf } from '../widgets/status.js';
import { allStations, FREE, PREPARING, STATION_TYPES, stateLabel, wanted } from './arrange.js';

const typesThere = computed(() => {
  const there = new Set(allStations.value.map((station) => station.station_type));
  return STATION_TYPES.filter((type) => there.has(type));
});
const statesThere = computed(() => [
  ...[...statuses.value.values()].filter((status) => status.is_active).map((status) => status.code),
  PREPARING,
  FREE,
]);

const toggled = (list, one) => (list.includes(one) ? list.filter((other) => other !== one) : [...list, one]);

/** The filters. */
export function Filters() {
  const { types, states, text, by } = wanted.value;
  const active = types.length + states.length + (text ? 1 : 0);
  return html`<search class="filters" aria-label=${t('admin.filters.label')}>
    <div class="filters-row">
      <label class="field-inline"><span class="visually-hidden">${t('admin.filters.text')}</span>
        <input type="search" value=${text} placeholder=${t('admin.filters.text')}
          onInput=${(event) => setQuery({ q: event.currentTarget.value })} /></label>
      <label class="field-inline">${t('admin.filters.group')}
        <select value=${by} onChange=${(event) => setQuery({ group: event.currentTarget.value === 'status' ? 'status' : '' })}>
          <option value="type">${t('admin.filters.by_type')}</option><option value="status">
            ${t('admin.filters.by_status')}</option>
        </select></label>
      ${active > 0 && html`<button type="button" class="quiet" onClick=${() => setQuery({ type: [], status: [], q: '' })}>
        ${t('admin.filters.clear')}</button>`}
    </div>
    <details class="filters-more" open=${types.length + states.length > 0}>
      <summary>${t('admin.filters.more')}${types.length + states.length > 0 ? ` (${types.length + states.length})` : ''}</summary>
      <fieldset class="chips"><legend>${t('admin.filters.type')}</legend>
        ${typesThere.value.map((type) => html`<${Chip} key=${type} on=${types.includes(type)}
          onPress=${() => setQuery({ type: toggled(types, type) })}>${t(`admin.station_type.${type}`)}<//>`)}
      </fieldset>
      <fieldset class="chips"><legend>${t('admin.filters.status')}</legend>
        ${statesThere.value.map((state) => html`<${StateChip} key=${state} state=${state} states=${states} />`)}
      </fieldset>
    </details>
  </search>`;
}

function StateChip({ state, states }) {
  const { color, machineClass } = state === FREE || state === PREPARING ? { machineClass: state } : statusOf(state);
  return html`<${Chip} on=${states.includes(state)} onPress=${() => setQuery({ status: toggled(states, state) })}>
    <span class="chip-shape" style=${statusColors(color ?? '#64748b')}><${Icon} name=${machineClass} /></span>
      <bdi>${stateLabel(state)}</bdi><//>`;
}

function Chip({ on, onPress, children }) {
  return html`<button type="button" class="chip" aria-pressed=${on ? 'true' : 'false'} onClick=${onPress}>${children}</button>`;
}
