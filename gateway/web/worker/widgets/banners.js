// What a person has to know at any step: presses that were refused, a session about to be closed for silence, no
// connection; and for those who hear, what is confirmed.
import { html, signal } from '../../shared/html.js';
import { signed, t } from '../../shared/i18n.js';
import { moment, timeOfDay } from '../../shared/time.js';
import { mustSignInAgain } from '../identity.js';
import { dismiss, onEnd, refused } from '../queue/queue.js';
import { attendedId, connection, grace, heardAt } from '../session/life.js';
import { idleMs, session } from '../whereabouts.js';
import { statusName } from '../work/catalog.js';
import { Icon } from './icon.js';
import { problemText } from './problem.js';
import { Clock } from './ticker.js';

function whatItWas({ name, body }) {
  if (name === 'status') return statusName(body.status);
  if (name !== 'quantities') return t(`worker.command.${name}`);
  const part = (kind, delta) => delta && `${signed(delta)} ${t(`worker.${kind}`)}`;
  return [part('good', body.good_delta), part('scrap', body.scrap_delta)].filter(Boolean).join(', ');
}

/** Refused presses, until they are dismissed. */
function Refusals() {
  const list = refused.value;
  if (list.length === 0) return null;
  return html`<section class="banner banner-refused" role="alert" data-testid="refused">
    <div><h2><${Icon} name="warning" />${t('worker.refused', { n: list.length })}</h2>
    <ul role="list">${list.map((one) => html`<li key=${one.id}><strong>${whatItWas(one)}</strong> <span class="tabular">${moment(one.body.occurredAt)}</span>: ${problemText(one.error)}</li>`)}</ul></div>
    <button type="button" class="secondary" onClick=${() => dismiss(list.map((one) => one.id))}>${t('worker.refused.seen')}</button>
  </section>`;
}

/** The server has had no sign of life for a while. */
function GraceWarning() {
  const warned = grace.value;
  if (!warned || warned.sessionId !== attendedId.value) return null;
  return html`<p class="banner banner-warning" role="alert"><${Icon} name="warning" /><span>${t('worker.grace')} <${Clock} className="tabular" until=${warned.expiresAt} /></span></p>`;
}

/** No connection: what that means for the work. */
function Offline() {
  if (connection.value?.kind !== 'lost' || !attendedId.value) return null;
  const last = Math.max(heardAt.value, Date.parse(session.value.last_seen_at));
  const until = idleMs.value ? last + idleMs.value : null;
  return html`<p class="banner banner-warning" data-testid="offline"><${Icon} name="away" /><span>${t('worker.offline')}${until ? ` ${t('worker.offline.until', { time: timeOfDay(until) })}` : ''}</span></p>`;
}

/** All of them. Without a login the server is no concern of anybody's. */
export function Banners() {
  return html`<aside class="banners" aria-label=${t('worker.notices')}><${Refusals} />${!mustSignInAgain.value && html`<${GraceWarning} /><${Offline} />`}</aside>`;
}

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
