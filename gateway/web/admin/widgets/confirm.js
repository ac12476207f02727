// Questions with two answers, for code that waits for one of them.
import { html, signal } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { Dialog } from './dialog.js';

const question = signal(null);

/** Asks, and resolves to whether the person said yes. `danger`: what is confirmed cannot be undone. */
export function confirm({ title, text, yes, no, danger = false }) {
  return new Promise((resolve) => {
    question.value = { title, text, yes, no, danger, resolve };
  });
}

/** Shows the question that waits for an answer. */
export function Confirmation() {
  const asked = question.value;
  if (!asked) return null;
  const answer = (said) => () => {
    question.value = null;
    asked.resolve(said);
  };
  const actions = html`<button type="button" class="secondary" onClick=${answer(false)}>${asked.no ?? t('admin.cancel')}</button>
    <button type="button" class=${asked.danger ? 'danger' : 'primary'} onClick=${answer(true)}>${asked.yes}</button>`;
  return html`<${Dialog} title=${asked.title} onClose=${answer(false)} actions=${actions}><p>${asked.text}</p><//>`;
}
