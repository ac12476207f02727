// What this browser does not do here, said quietly: it explains a dark screen, or an empty page without network.
import { html } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { keeps } from '../queue/db.js';

/** Words about what is missing; nothing when nothing is. */
export function Missing() {
  const lines = [];
  if (!window.isSecureContext) lines.push(t('worker.missing.secure'));
  if (!keeps.value) lines.push(t('worker.missing.storage'));
  if (lines.length === 0) return null;
  return html`<aside class="missing hint">${lines.map((line) => html`<p key=${line}>${line}</p>`)}</aside>`;
}
