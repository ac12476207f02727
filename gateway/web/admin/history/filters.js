// What is looked for in history.
import { html, useEffect, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { stations, workers } from '../directory.js';
import { setQuery } from '../router.js';
import { CAUSES, STATES } from './query.js';

const byName = (name) => (one, other) => one[name].localeCompare(other[name], undefined, { numeric: true });

/** The filters; each change is in the address at once, a typed job number when it is done. */
export function HistoryFilters({ wanted }) {
  const change = (name) => (event) => setQuery({ [name]: event.currentTarget.value });
  const some = wanted.station || wanted.worker || wanted.job || wanted.from || wanted.to || wanted.cause;
  const clear = () => setQuery({ station: '', worker: '', job: '', from: '', to: '', cause: '' });
  const stationList = [...stations.value.values()].sort(byName('code'));
  const workerList = [...workers.value.values()].sort(byName('full_name'));
  return html`<search class="filters filters-grid" aria-label=${t('admin.filters.label')}>
    <${Choice} label=${t('admin.history.state')} value=${wanted.state}
      onChange=${(event) => setQuery({ state: event.currentTarget.value === 'closed' ? '' : event.currentTarget.value })}
      options=${STATES.map((one) => [one, t(`admin.history.state_${one}`)])} />
    <${Choice} label=${t('admin.history.station')} value=${wanted.station} onChange=${change('station')}
      options=${[['', t('admin.filters.all')], ...stationList.map((one) => [one.id, `${one.name} (${one.code})`])]} />
    <${Choice} label=${t('admin.history.worker')} value=${wanted.worker} onChange=${change('worker')}
      options=${[['', t('admin.filters.all')], ...workerList.map((one) => [one.id, one.full_name])]} />
    <${JobField} value=${wanted.job} />
    <${Day} label=${t('admin.history.from')} value=${wanted.from} onChange=${change('from')} />
    <${Day} label=${t('admin.history.to')} value=${wanted.to} onChange=${change('to')} />
    ${wanted.state !== 'active' && html`<${Choice} label=${t('admin.history.cause')} value=${wanted.cause}
      onChange=${change('cause')} options=${[['', t('admin.filters.all')], ...CAUSES.map((one) => [one, t(`admin.cause.${one}`)])]} />`}
    ${some && html`<button type="button" class="quiet" onClick=${clear}>${t('admin.filters.clear')}</button>`}
  </search>`;
}

function Choice({ label, value, options, onChange }) {
  const known = options.some(([id]) => id === value);
  return html`<label class="field"><span>${label}</span><select value=${value} onChange=${onChange}>
    ${options.map(([id, text]) => html`<option key=${id} value=${id}>${text}</option>`)}${!known && html`<option value=${value}>
      ${value}</option>`}</select></label>`;
}

function Day({ label, value, onChange }) {
  return html`<label class="field"><span>${label}</span><input type="date" value=${value} onChange=${onChange} /></label>`;
}

function JobField({ value }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return html`<form class="field" onSubmit=${(event) => { event.preventDefault(); setQuery({ job: text.trim() }); }}>
    <label><span>${t('admin.history.job')}</span><input type="text" value=${text} autocomplete="off"
      onInput=${(event) => setText(event.currentTarget.value)} onBlur=${() => setQuery({ job: text.trim() })} /></label></form>`;
}
