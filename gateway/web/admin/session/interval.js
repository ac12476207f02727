// One interval of a session in words: what, how long, why, and what was noted.
import { html } from '../../shared/html.js';
import { label, t } from '../../shared/i18n.js';
import { reasons } from '../directory.js';
import { Status } from '../widgets/status.js';
import { duration, timeOfDay } from '../widgets/moments.js';

/** A reason by its label; one that is gone from the directory by its id. */
export function Reason({ id }) {
  const known = reasons.value.get(id);
  return known ? html`<bdi>${label(known)}</bdi>` : html`<code>${id}</code>`;
}

const NOTES_OF_THE_SYSTEM = {
  'auto-abandon': 'idle',
  'worker-abandon': 'abandoned',
  'grace-window-expired': 'expired',
  'replaced-by-new-session': 'replaced',
  'admin-close': 'admin',
};

/** A note that the system wrote at a close is told in words; a person's stays as it is. */
export function Note({ text }) {
  const known = NOTES_OF_THE_SYSTEM[text];
  return known ? html`<span>${t(`admin.note.${known}`)}</span>` : html`<q class="note" dir="auto">${text}</q>`;
}

/** A picture that somebody took is opened elsewhere, never shown unasked. */
export function ImageLink({ url }) {
  return html`<a href=${url} target="_blank" rel="noopener noreferrer">${t('admin.session.image')}</a>`;
}

/** The details of an interval. */
export function IntervalDetails({ interval }) {
  const { status, from, to, isOpen, reasonId, note, imageUrl } = interval;
  return html`<p class="interval-head"><${Status} code=${status} /> <span class="tabular">
    ${timeOfDay(from, true)} – ${isOpen ? t('admin.session.now') : timeOfDay(to, true)}</span> <strong class="tabular">
    ${duration(to - from)}</strong></p>
    ${(reasonId || note || imageUrl) && html`<p class="interval-more">
      ${reasonId && html`<span>${t('admin.session.reason')}: <${Reason} id=${reasonId} /></span> `}
      ${note && html`<${Note} text=${note} /> `}
      ${imageUrl && html`<${ImageLink} url=${imageUrl} />`}</p>`}`;
}

/** All intervals as a table: the picture for those who do not see it, or want to copy it. */
export function IntervalTable({ intervals }) {
  return html`<details class="as-table"><summary>${t('admin.timeline.as_table')}</summary>
    <div class="table-scroll" tabindex="0" role="region" aria-label=${t('admin.timeline.as_table')}><table class="table">
      <caption class="visually-hidden">${t('admin.timeline.as_table')}</caption>
      <thead><tr><th scope="col">${t('admin.session.status')}</th><th scope="col">${t('admin.session.from')}</th>
        <th scope="col">${t('admin.session.to')}</th><th scope="col">${t('admin.session.duration')}</th>
        <th scope="col">${t('admin.session.reason')}</th><th scope="col">${t('admin.session.note')}</th></tr></thead>
      <tbody>${intervals.map((one) => html`<tr key=${one.id}>
        <td><${Status} code=${one.status} /></td><td class="tabular">${timeOfDay(one.from, true)}</td>
          <td class="tabular">${one.isOpen ? t('admin.session.now') : timeOfDay(one.to, true)}</td>
          <td class="tabular">${duration(one.to - one.from)}</td>
        <td>${one.reasonId && html`<${Reason} id=${one.reasonId} />`}</td>
          <td>${one.note && html`<${Note} text=${one.note} />`}</td></tr>`)}</tbody>
    </table></div></details>`;
}
