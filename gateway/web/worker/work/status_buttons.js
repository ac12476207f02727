// One button for each status, in its colour, with its shape and label.
import { html } from '../../shared/html.js';
import { label, t } from '../../shared/i18n.js';
import { statusColors } from '../../shared/color.js';
import { shownStatus } from '../session/shown.js';
import { Icon } from '../widgets/icon.js';
import { statuses } from './catalog.js';

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
