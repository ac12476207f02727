// What stands above every step: who works here, how things stand with the server, and the language.
import { html } from '../../shared/html.js';
import { lang, LANGUAGES, setLang, t } from '../../shared/i18n.js';
import { timeOfDay } from '../../shared/time.js';
import { worker } from '../identity.js';
import { waitingCount } from '../queue/queue.js';
import { connection } from '../session/life.js';
import { Icon } from './icon.js';

const SHORT = { he: 'עב', ru: 'РУ', en: 'EN' };

/** Languages, always at hand. */
export function LanguageChoice() {
  return html`<div class="languages" role="group" aria-label=${t('language')}>
    ${Object.entries(LANGUAGES).map(([code, { name }]) => html`<button key=${code} type="button" lang=${code} aria-pressed=${lang.value === code ? 'true' : 'false'} onClick=${() => setLang(code)}>${SHORT[code]}<span class="visually-hidden"> ${name}</span></button>`)}
  </div>`;
}

function words(state) {
  switch (state?.kind) {
    case 'live': return t('worker.connection.live');
    case 'stale': return t('worker.connection.stale');
    case 'lost': return t('worker.connection.lost', { time: timeOfDay(state.since) });
    default: return t('worker.connection.connecting');
  }
}

/** Whether there is a connection, and what waits for one. */
export function ConnectionState() {
  const state = connection.value;
  const waiting = waitingCount.value;
  const kind = state?.kind ?? 'connecting';
  return html`<p class="connection" data-testid="connection" data-state=${kind} data-waiting=${waiting}>
    <span class="connection-mark" aria-hidden="true"></span>
    <span role="status">${words(state)}</span>
    ${waiting > 0 && html`<span class="connection-waiting"><${Icon} name="wait" />${t('worker.waiting', { n: waiting })}</span>`}
  </p>`;
}

/** The head of every step. */
export function Top() {
  const who = worker.value;
  return html`<header class="top">
    ${who ? html`<p class="top-who"><bdi>${who.full_name}</bdi></p>` : html`<p class="top-who brand">Andon</p>`}
    ${who && html`<${ConnectionState} />`}
    <${LanguageChoice} />
  </header>`;
}
