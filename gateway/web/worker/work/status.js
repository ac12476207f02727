// The status that runs, to be read from two metres away, and a button for each to choose: in its colour, with its shape and
// label.
import { html } from '../../shared/html.js';
import { label, t } from '../../shared/i18n.js';
import { statusColors } from '../../shared/color.js';
import { shownStatus } from '../session/shown.js';
import { Icon } from '../widgets/icon.js';
import { Clock } from '../widgets/ticker.js';
import { reasonName, statuses, statusName, statusOf } from './catalog.js';

/** Label, clock, reason and note; `onDetails` opens what can be added. */
export function StatusPanel({ onDetails }) {
  const { status, since, reasonId, note, isWaiting } = shownStatus.value;
  const { color, machine_class: machineClass } = statusOf(status);
  const words = [reasonName(reasonId), note].filter(Boolean);
  return html`<section class="now" style=${statusColors(color)} aria-label=${t('worker.work.now')} data-testid="now" data-status=${status} data-waiting=${isWaiting ? 'yes' : 'no'}>
    <p class="now-status"><${Icon} name=${machineClass} /><bdi data-testid="now-label">${statusName(status)}</bdi></p>
    <${Clock} className="now-clock tabular" since=${since} />
    <p class="now-words">${words.map((one, index) => html`<span key=${index} class="now-word"><bdi>${one}</bdi></span>`)}${isWaiting && html`<span class="now-waiting"><${Icon} name="wait" />${t('worker.work.waits')}</span>`}</p>
    <button type="button" class="now-more" onClick=${onDetails}><${Icon} name="pen" />${machineClass === 'stoppage' ? t('worker.work.why') : t('worker.work.note')}</button>
  </section>`;
}

/** Words longer than this are written smaller, rather than broken. */
const [LONG, LONGER] = [9, 11];

function lengthOf(text) {
  const longest = Math.max(...text.split(/\s+/).map((word) => word.length));
  if (longest > LONGER) return 'longer';
  return longest > LONG ? 'long' : undefined;
}

/** `onChoose(status)` for the one pressed. */
export function StatusButtons({ onChoose }) {
  const current = shownStatus.value.status;
  return html`<section class="statuses" role="group" aria-label=${t('worker.work.statuses')}>
    ${statuses.value.map((status) => html`<button key=${status.code} type="button" class="status-button" style=${statusColors(status.color)} data-status=${status.code}
        aria-pressed=${status.code === current ? 'true' : 'false'} onClick=${() => onChoose(status)}>
      <span class="status-mark"><${Icon} name=${status.code === current ? 'check' : status.machine_class} /></span>
      <bdi class="status-label" data-word=${lengthOf(label(status))}>${label(status)}</bdi>
    </button>`)}
  </section>`;
}
