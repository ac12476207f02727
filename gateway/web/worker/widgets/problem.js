// What went wrong, in words, with a way on.
import { html } from '../../shared/html.js';
import { ApiError } from '../../shared/api.js';
import { has, t } from '../../shared/i18n.js';

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
