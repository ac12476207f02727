// The fields of a record: one input each, with its label, its limit and what is wrong with it.
import { html, useRef } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { stations } from '../directory.js';
import { readableOn } from '../../shared/color.js';
import { ChecklistField } from './checklist.js';
import { StationsField } from './stations_field.js';

const LANGUAGE_DIRECTION = { he: 'rtl', ru: 'ltr', en: 'ltr' };
let lastId = 0;

/** One field. `base`: as the record was read; null for a new one. */
export function Field({ field, value, base, readOnly, onChange }) {
  const id = useRef('');
  id.current ||= `field-${(lastId += 1)}`;
  const fixed = readOnly || (field.fixed && base !== null) || (field.builtInFixed && base?.built_in);
  const props = { field, value, base, id: id.current, readOnly: fixed, onChange };
  switch (field.type) {
    case 'flag': return html`<${Flag} ...${props} />`;
    case 'stations': return html`<${StationsField} ...${props} />`;
    case 'checklist': return html`<${ChecklistField} ...${props} />`;
    default: return html`<div class="field"><label for=${id.current}>
      ${t(`admin.field.${field.name}`)}${field.required && html`<span class="needed" aria-hidden="true"> *</span>`}</label>
      <${Input} ...${props} /><${Hint} field=${field} base=${base} id=${id.current} /></div>`;
  }
}

function Input({ field, value, base, id, readOnly, onChange }) {
  const shared = { id, disabled: readOnly, required: field.required, 'aria-describedby': hintOf(field, base) ? `${id}-hint` : undefined };
  const typed = (event) => onChange(event.currentTarget.value);
  switch (field.type) {
    case 'choice': return html`<select ...${shared} value=${value} onChange=${typed}>${field.values.map((one) => html`<option
      key=${one} value=${one}>${t(`admin.${field.words}.${one}`)}</option>`)}</select>`;
    case 'note': return html`<textarea ...${shared} rows="3" dir="auto" maxlength=${field.max} value=${value ?? ''}
      onInput=${typed}></textarea>`;
    case 'number': return html`<input ...${shared} type="number" inputmode="numeric" min="0" max=${field.max} step="1"
      value=${value ?? ''} onInput=${(event) => onChange(event.currentTarget.value === '' ? null : event.currentTarget.valueAsNumber)} />`;
    case 'color': return html`<${ColorInput} shared=${shared} value=${value} onChange=${onChange} />`;
    case 'station': return html`<${StationInput} shared=${shared} value=${value} onChange=${onChange} />`;
    default: return html`<input ...${shared} type="text" autocomplete="off" dir=${LANGUAGE_DIRECTION[field.language] ?? 'auto'}
      lang=${field.language} maxlength=${field.max} pattern=${field.pattern} value=${value ?? ''} onInput=${typed} />`;
  }
}

function ColorInput({ shared, value, onChange }) {
  return html`<span class="color-input"><input ...${shared} type="color" value=${value}
    onInput=${(event) => onChange(event.currentTarget.value)} />
    <span class="status" style=${{ '--status': value, '--on-status': readableOn(value) }}><bdi dir="ltr">${value}</bdi></span>
      </span>`;
}

function StationInput({ shared, value, onChange }) {
  const list = [...stations.value.values()].sort((one, other) => one.code.localeCompare(other.code, undefined, { numeric: true }));
  return html`<select ...${shared} value=${value ?? ''} onChange=${(event) => onChange(event.currentTarget.value || null)}>
    <option value="">${t('admin.records.everywhere')}</option>
    ${list.map((station) => html`<option key=${station.id} value=${station.id}>
      ${`${station.name} (${station.code})`}</option>`)}</select>`;
}

function Flag({ field, value, id, readOnly, onChange }) {
  return html`<div class="field field-flag"><label class="check" for=${id}>
    <input id=${id} type="checkbox" checked=${value} disabled=${readOnly}
    onChange=${(event) => onChange(event.currentTarget.checked)} /> ${t(`admin.field.${field.name}`)}</label></div>`;
}

function hintOf(field, base) {
  if (field.builtInFixed && base?.built_in) return t('admin.records.built_in');
  if (field.fixed && base !== null) return t('admin.records.fixed');
  if (field.name === 'worker_code') return t('admin.records.code_hint');
  if (field.isKey) return t('admin.records.status_code_hint');
  return null;
}

function Hint({ field, base, id }) {
  const text = hintOf(field, base);
  return text && html`<p class="hint" id=${`${id}-hint`}>${text}</p>`;
}
