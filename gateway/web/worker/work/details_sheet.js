// Why, and a note: one press on a reason is enough. A status that asks for a reason cannot go without.
import { html, useState } from '../../shared/html.js';
import { label, t } from '../../shared/i18n.js';
import { statusColors } from '../../shared/color.js';
import { Sheet } from '../widgets/sheet.js';
import { stopReasons } from './catalog.js';

const NOTE_MAX = 2_000;

/** `onDone({reasonId, note})`; `first`: what is said already. */
export function DetailsSheet({ status, first, onDone, onClose }) {
  const [note, setNote] = useState(first?.note ?? '');
  const said = note.trim() === '' ? null : note.trim();
  const hasReasons = status.machine_class === 'stoppage' || status.requires_reason;
  const done = (reasonId) => onDone({ reasonId, note: said });
  const mayGoWithout = !status.requires_reason || first?.reasonId;
  const isChanged = said !== (first?.note ?? null);
  const title = status.requires_reason ? t('worker.why.title_needed', { status: label(status) }) : hasReasons ? t('worker.why.title', { status: label(status) }) : t('worker.note.title', { status: label(status) });
  return html`<${Sheet} name="why" title=${title} onClose=${onClose}>
    <div class="field">
      <label for="note">${t('worker.note')}</label>
      <textarea id="note" rows="2" dir="auto" maxlength=${NOTE_MAX} value=${note} onInput=${(event) => setNote(event.currentTarget.value)}></textarea>
    </div>
    ${mayGoWithout && html`<button type="button" class=${hasReasons ? 'secondary' : 'primary big'} disabled=${!isChanged} onClick=${() => done(first?.reasonId ?? null)}>${t('worker.note.save')}</button>`}
    ${hasReasons && html`<div class="reasons" role="group" aria-label=${t('worker.reasons')} style=${statusColors(status.color)}>
      ${stopReasons.value.length === 0 && html`<p>${t('worker.why.none')}</p>`}
      ${stopReasons.value.map((reason) => html`<button key=${reason.id} type="button" class="reason" aria-pressed=${reason.id === first?.reasonId ? 'true' : 'false'} onClick=${() => done(reason.id)}><bdi>${label(reason)}</bdi></button>`)}
    </div>`}
  <//>`;
}
