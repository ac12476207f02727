// The editor of a checklist: items in order, in three languages, put into order by dragging or by buttons.
import { html, useEffect, useRef, useState } from '../../shared/html.js';
import { label, t } from '../../shared/i18n.js';
import { uuid } from '../../shared/ids.js';
import { Icon } from '../widgets/icon.js';

/** The gateway's limit of a list. */
const ITEMS_MAX = 100;
const LANGUAGES = [['he', 'rtl'], ['ru', 'ltr'], ['en', 'ltr']];

const fresh = () => ({ id: `item-${uuid().slice(0, 8)}`, label_he: '', label_ru: '', label_en: '', is_required: true });

/** Items in their order, numbered from 1. */
const numbered = (items) => items.map((item, index) => ({ ...item, order_index: index + 1 }));

function moved(items, from, to) {
  const list = [...items];
  const [item] = list.splice(from, 1);
  list.splice(to, 0, item);
  return numbered(list);
}

/** The field. */
export function ChecklistField({ field, value, readOnly, onChange }) {
  const [said, setSaid] = useState('');
  const [dragged, setDragged] = useState(null);
  const list = useRef(null);
  const focusNext = useRef(null);
  // A row that moves loses the focus: it gets it back, so that a button can be pressed again.
  useEffect(() => {
    if (!focusNext.current) return;
    const [id, name] = focusNext.current;
    focusNext.current = null;
    const row = list.current.querySelector(`[data-item="${CSS.escape(id)}"]`);
    (row?.querySelector(`[data-move="${name}"]:not(:disabled)`) ?? row?.querySelector('[data-move]:not(:disabled)') ?? row?.querySelector('input'))?.focus();
  });
  const move = (from, to, by) => {
    if (to < 0 || to >= value.length || from === to) return;
    setSaid(t('admin.checklist.moved', { item: label(value[from]), n: to + 1, of: value.length }));
    if (by) focusNext.current = [value[from].id, by];
    onChange(moved(value, from, to));
  };
  const add = () => {
    const item = fresh();
    focusNext.current = [item.id, 'none'];
    onChange(numbered([...value, item]));
  };
  const drag = { dragged, start: setDragged, drop: (to) => { move(dragged, to); setDragged(null); }, end: () => setDragged(null) };
  return html`<fieldset class="field checklist" disabled=${readOnly}><legend>${t(`admin.field.${field.name}`)}</legend>
    ${value.length === 0 && html`<p class="hint">${t('admin.checklist.empty')}</p>`}
    <ol class="checklist-items" role="list" ref=${list}>${value.map((item, index) => html`<${Item} key=${item.id} item=${item}
      index=${index} count=${value.length} readOnly=${readOnly} drag=${drag} onMove=${move}
      onChange=${(changed) => onChange(numbered(value.map((one) => (one.id === item.id ? changed : one))))}
      onRemove=${() => onChange(numbered(value.filter((one) => one.id !== item.id)))} />`)}</ol>
    ${!readOnly && html`<button type="button" class="secondary" disabled=${value.length >= ITEMS_MAX} onClick=${add}>
      ${t('admin.checklist.add')}</button>`}
    <p class="visually-hidden" role="status">${said}</p>
  </fieldset>`;
}

function Item({ item, index, count, readOnly, drag, onMove, onChange, onRemove }) {
  const name = t('admin.checklist.item', { n: index + 1 });
  const over = (event) => drag.dragged !== null && event.preventDefault();
  return html`<li class=${drag.dragged === index ? 'checklist-item dragged' : 'checklist-item'} data-item=${item.id}
    onDragOver=${over} onDrop=${(event) => { event.preventDefault(); drag.drop(index); }}>
    <fieldset><legend class="visually-hidden">${name}</legend>
    <div class="checklist-order">
      ${!readOnly && html`<span class="grip" draggable="true" title=${t('admin.checklist.drag')}
        onDragStart=${(event) => { event.dataTransfer.effectAllowed = 'move'; event.dataTransfer.setData('text/plain', item.id); drag.start(index); }}
        onDragEnd=${drag.end}><${Icon} name="grip" /></span>`}
      <span class="tabular" aria-hidden="true">${index + 1}</span>
      ${!readOnly && html`<button type="button" class="quiet icon-only" data-move="up" disabled=${index === 0}
        aria-label=${t('admin.checklist.up', { n: index + 1 })} onClick=${() => onMove(index, index - 1, 'up')}>
        <${Icon} name="up" /></button>
      <button type="button" class="quiet icon-only" data-move="down" disabled=${index === count - 1}
        aria-label=${t('admin.checklist.down', { n: index + 1 })} onClick=${() => onMove(index, index + 1, 'down')}>
        <${Icon} name="down" /></button>`}
    </div>
    <div class="checklist-labels">${LANGUAGES.map(([language, dir]) => html`<label class="field" key=${language}>
      <span>${t(`admin.field.label_${language}`)}</span>
      <input type="text" required maxlength="200" lang=${language} dir=${dir} value=${item[`label_${language}`]}
        onInput=${(event) => onChange({ ...item, [`label_${language}`]: event.currentTarget.value })} /></label>`)}</div>
    <div class="checklist-more"><label class="check"><input type="checkbox" checked=${item.is_required}
      onChange=${(event) => onChange({ ...item, is_required: event.currentTarget.checked })} /> ${t('admin.checklist.required')}</label>
      ${!readOnly && html`<button type="button" class="quiet" aria-label=${t('admin.checklist.remove_item', { n: index + 1 })}
        onClick=${onRemove}>${t('admin.checklist.remove')}</button>`}</div>
    </fieldset></li>`;
}
