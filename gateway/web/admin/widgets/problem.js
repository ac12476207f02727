// What went wrong, in words, with a way on.
import { html } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { ApiError } from '../../shared/api.js';

/** Codes with a text of their own; others are told in general words, with the code for whoever is asked for help. */
const TOLD = new Set([
  'HISTORY_UNAVAILABLE', 'ACCOUNTS_UNAVAILABLE', 'NO_OWNER', 'OUTCOME_UNKNOWN', 'BUSY', 'NOT_READY', 'LOG_FULL',
  'FORBIDDEN', 'NOT_FOUND', 'TOO_MANY_ATTEMPTS', 'TOO_MANY_REQUESTS', 'TOO_LARGE', 'ACCOUNT_EXISTS', 'LAST_ADMIN',
  'LOGIN_REQUIRED', 'ORIGIN_REFUSED', 'SESSION_CLOSED', 'INTERNAL', 'RECORD_CHANGED',
]);
/** Codes whose message from the server says which field is wrong. */
const MESSAGE_HELPS = new Set(['INVALID_PAYLOAD', 'INVALID_DIRECTORY', 'INVALID_QUANTITY']);

/** An error as a sentence. */
export function problemText(error) {
  if (!(error instanceof ApiError)) return t('admin.problem.network');
  if (TOLD.has(error.code)) return t(`admin.problem.${error.code}`);
  if (MESSAGE_HELPS.has(error.code)) return t('admin.problem.refused', { message: error.message });
  return t('admin.problem.other', { code: error.code });
}

/** The sentence in a box, with a button that tries again when there is something to try. */
export function Problem({ error, retry, children }) {
  return html`<div class="problem" role="alert">
    <p><strong>${problemText(error)}</strong></p>
    ${error.details?.problems?.length > 1 && html`<ul>${error.details.problems.map((one) => html`<li dir="auto">
      ${one}</li>`)}</ul>`}
    ${children}
    ${retry && html`<button type="button" class="secondary" onClick=${retry}>${t('admin.try_again')}</button>`}
  </div>`;
}
