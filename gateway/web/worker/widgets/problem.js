// What is said while something is not there: what went wrong, with a way on; that it is coming; that it waits.
import { html } from '../../shared/html.js';
import { ApiError } from '../../shared/api.js';
import { has, t } from '../../shared/i18n.js';
import { stuck } from '../queue/drain.js';

/** An error as a sentence; a code without words of its own is named, for whoever is asked for help. */
export function problemText(error) {
  if (!(error instanceof ApiError) && !error.code) return t('worker.problem.network');
  const key = `worker.problem.${error.code}`;
  return has(key) ? t(key) : t('worker.problem.other', { code: error.code });
}

/** The sentence in a box, with a button that tries again. */
export function Problem({ error, retry, text }) {
  return html`<div class="problem" role="alert">
    <p>${text ?? problemText(error)}</p>
    ${retry && html`<button type="button" class="secondary" onClick=${retry}>${t('worker.try_again')}</button>`}
  </div>`;
}

/** Says that something is on its way. */
export function Loading() {
  return html`<p class="loading" role="status"><span class="spinner" aria-hidden="true"></span>${t('worker.loading')}</p>`;
}

/**
 * Something was asked for and is on its way, or waits for a connection: said honestly. `onBack` takes it back, where that
 * is possible.
 */
export function Waiting({ text, onBack, back }) {
  const why = stuck.value;
  return html`<div class="waiting-box">
    <p role="status"><span class="spinner" aria-hidden="true"></span>${text}${why && html`<span class="hint">${problemText(why.code === 'NETWORK' ? {} : why)} ${t('worker.sent_later')}</span>`}</p>
    ${onBack && html`<button type="button" class="secondary" onClick=${onBack}>${back}</button>`}
  </div>`;
}
