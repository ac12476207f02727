// The status that runs: to be read from two metres away.
import { html } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { statusColors } from '../../shared/color.js';
import { shownStatus } from '../session/shown.js';
import { Icon } from '../widgets/icon.js';
import { Clock } from '../widgets/ticker.js';
import { reasonName, statusName, statusOf } from './catalog.js';

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
