// The stations that a worker, or an account, belongs to.
import { html, useState } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { stations } from '../directory.js';

/** From this many stations on they are looked for by text. */
const SEARCH_FROM = 12;

/** Check boxes, one a station. */
export function StationsField({ field, value, readOnly, onChange }) {
  const [text, setText] = useState('');
  const all = [...stations.value.values()].sort((one, other) => one.code.localeCompare(other.code, undefined, { numeric: true }));
  const wanted = text.trim().toLocaleLowerCase();
  const found = all.filter(({ name, code }) => `${name}\n${code}`.toLocaleLowerCase().includes(wanted));
  const toggle = (id, on) => onChange(on ? [...value, id] : value.filter((one) => one !== id));
  return html`<fieldset class="field field-list" disabled=${readOnly}><legend>${t(`admin.field.${field.name}`)} <span
    class="hint">${t('admin.records.chosen', { n: number(value.length) })}</span></legend>
    ${all.length >= SEARCH_FROM && html`<label class="field-inline"><span class="visually-hidden">
      ${t('admin.records.search_station')}</span><input type="search" placeholder=${t('admin.records.search_station')}
      value=${text} onInput=${(event) => setText(event.currentTarget.value)} /></label>`}
    <div class="check-list">${found.map((station) => html`<label class="check" key=${station.id}>
      <input type="checkbox" checked=${value.includes(station.id)}
        onChange=${(event) => toggle(station.id, event.currentTarget.checked)} /> <bdi>${station.name}</bdi> <bdi class="code">
        ${station.code}</bdi></label>`)}</div>
  </fieldset>`;
}
