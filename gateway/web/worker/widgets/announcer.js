// What is confirmed, for those who hear: short, and one at a time.
import { html, signal } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { onEnd } from '../queue/queue.js';
import { session } from '../whereabouts.js';
import { statusName } from '../work/catalog.js';

const said = signal('');

onEnd(({ type, command, body }) => {
  if (type !== 'confirmed' || command.body.sessionId !== session.peek()?.id) return;
  if (command.name === 'status') said.value = t('worker.said.status', { status: statusName(body.event.status) });
  if (command.name === 'quantities') said.value = t('worker.said.totals', { good: body.session.total_good, scrap: body.session.total_scrap });
});

/** The region that is read aloud. */
export function Announcer() {
  return html`<p class="visually-hidden" role="status" data-testid="announcer">${said.value}</p>`;
}
