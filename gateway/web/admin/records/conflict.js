// Somebody else saved the same record meanwhile: both versions side by side, and a choice for each field that differs.
import { html, useState } from '../../shared/html.js';
import { label, number, t } from '../../shared/i18n.js';
import { stations } from '../directory.js';
import { Dialog } from '../widgets/dialog.js';
import { fieldsOf } from './kinds.js';
import { differences, resolved } from './merge.js';

/** The dialog. `newer`: the record as somebody else saved it; null when it was removed. */
export function Conflict({ kind, base, mine, newer, onCancel, onTheirs, onSave }) {
  return newer
    ? html`<${Changed} kind=${kind} base=${base} mine=${mine} theirs=${fieldsOf(kind, newer.record)} onCancel=${onCancel}
      onTheirs=${onTheirs} onSave=${onSave} />`
    : html`<${Removed} mine=${mine} onCancel=${onCancel} onTheirs=${onTheirs} onSave=${onSave} />`;
}

function Removed({ mine, onCancel, onTheirs, onSave }) {
  const actions = html`<button type="button" class="secondary" onClick=${onTheirs}>${t('admin.conflict.leave_removed')}</button>
    <button type="button" class="primary" onClick=${() => onSave(mine)}>${t('admin.conflict.make_again')}</button>`;
  return html`<${Dialog} title=${t('admin.conflict.removed_title')} onClose=${onCancel} actions=${actions}>
    <p>${t('admin.conflict.removed_text')}</p><//>`;
}

function Changed({ kind, base, mine, theirs, onCancel, onTheirs, onSave }) {
  const found = differences(kind.fields, base, mine, theirs);
  const [choices, setChoices] = useState(() => Object.fromEntries(found.map(({ field, proposed }) => [field.name, proposed])));
  const open = found.filter(({ field }) => choices[field.name] === null).length;
  const actions = html`<button type="button" class="secondary" onClick=${onTheirs}>${t('admin.conflict.take_theirs')}</button>
    <button type="button" class="primary" disabled=${open > 0} onClick=${() => onSave(resolved(theirs, found, choices))}>
      ${t('admin.conflict.save')}</button>`;
  return html`<${Dialog} title=${t('admin.conflict.title')} onClose=${onCancel} actions=${actions} wide>
    <p>${found.length === 0 ? t('admin.conflict.same') : t('admin.conflict.text')}</p>
    ${found.map((one) => html`<${Choice} key=${one.field.name} found=${one} chosen=${choices[one.field.name]}
      onChoose=${(who) => setChoices((before) => ({ ...before, [one.field.name]: who }))} />`)}
    ${open > 0 && html`<p class="hint" role="status">${t('admin.conflict.open', { n: open })}</p>`}
  <//>`;
}

function Choice({ found, chosen, onChoose }) {
  const { field, mine, theirs, both, proposed } = found;
  const option = (who, value) => html`<label class="version" key=${who}>
    <input type="radio" name=${`choice-${field.name}`} checked=${chosen === who} onChange=${() => onChoose(who)} />
    <span><strong>${t(`admin.conflict.${who}`)}</strong><${Value} field=${field} value=${value} /></span></label>`;
  return html`<fieldset class="versions"><legend>${t(`admin.field.${field.name}`)}${proposed === null && html` <span class="flag">
    ${t('admin.conflict.both_changed')}</span>`}</legend>
    ${option('mine', mine)}${option('theirs', theirs)}${both && option('both', both)}</fieldset>`;
}

function Value({ field, value }) {
  switch (field.type) {
    case 'flag': return html`<span>${value ? t('admin.yes') : t('admin.no')}</span>`;
    case 'choice': return html`<span>${t(`admin.${field.words}.${value}`)}</span>`;
    case 'number': return html`<span>${value === null ? '–' : number(value)}</span>`;
    case 'station': return html`<bdi>${value ? (stations.value.get(value)?.name ?? value) : t('admin.records.everywhere')}</bdi>`;
    case 'stations': return html`<ul>${value.map((id) => html`<li key=${id}><bdi>${stations.value.get(id)?.name ?? id}</bdi>
      </li>`)}</ul>`;
    case 'checklist': return html`<ol>${value.map((item) => html`<li key=${item.id}>
      <bdi>${label(item)}</bdi>${item.is_required ? ' *' : ''}</li>`)}</ol>`;
    default: return html`<bdi class="value">${value || '–'}</bdi>`;
  }
}
