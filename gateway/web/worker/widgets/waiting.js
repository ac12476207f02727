// Something was asked for and is on its way, or waits for a connection: said honestly, with a way back while there is one.
import { html } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { stuck } from '../queue/drain.js';
import { problemText } from './problem.js';

/** `onBack`: takes it back, where that is possible. */
export function Waiting({ text, onBack, back }) {
  const why = stuck.value;
  return html`<div class="waiting-box">
    <p role="status"><span class="spinner" aria-hidden="true"></span>${text}${why && html`<span class="hint">${problemText(why.code === 'NETWORK' ? {} : why)} ${t('worker.sent_later')}</span>`}</p>
    ${onBack && html`<button type="button" class="secondary" onClick=${onBack}>${back}</button>`}
  </div>`;
}
