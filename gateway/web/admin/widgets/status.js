// A status as people see it: colour, shape and label, out of the directory's data.
import { html } from '../../shared/html.js';
import { t, label } from '../../shared/i18n.js';
import { statuses } from '../directory.js';
import { Icon } from './icon.js';
import { statusColors } from '../../shared/color.js';

/** Colour of what has no status: before the start gate, or unknown. */
const NEUTRAL = '#64748b';

/** Colour, label and machine class of a status code; null is a session before its start gate. */
export function statusOf(code) {
  if (code === null || code === undefined) {
    return { color: NEUTRAL, text: t('admin.status.preparing'), machineClass: 'preparing' };
  }
  const known = statuses.value.get(code);
  if (!known) return { color: NEUTRAL, text: code, machineClass: 'stoppage' };
  return { color: known.color, text: label(known), machineClass: known.machine_class };
}

export { statusColors };

/** A status in a row of text. */
export function Status({ code }) {
  const { color, text, machineClass } = statusOf(code);
  return html`<span class="status" style=${statusColors(color)}><${Icon} name=${machineClass} /><bdi>${text}</bdi></span>`;
}
