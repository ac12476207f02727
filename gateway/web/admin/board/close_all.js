// Closing every session: first what will be closed, by name; then what was.
import { html, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { post } from '../../shared/api.js';
import { newId } from '../../shared/ids.js';
import { account } from '../account.js';
import { withLogin } from '../login_needed.js';
import { Dialog } from '../widgets/dialog.js';
import { Problem } from '../widgets/problem.js';
import { Status } from '../widgets/status.js';
import { openSessions } from './store.js';

/** The gateway gives it five minutes. */
const CLOSE_ALL_WITHIN_MS = 5 * 60_000;

/** The dialog. */
export function CloseAll({ onClose }) {
  // What is confirmed is what was listed: the list stays as it was when the dialog opened.
  const [listed] = useState(openSessions);
  const [key] = useState(newId);
  const [state, setState] = useState({ doing: false, error: null, answer: null });
  const close = async () => {
    setState({ doing: true, error: null, answer: null });
    try {
      const options = { idempotencyKey: key, timeoutMs: CLOSE_ALL_WITHIN_MS };
      const answer = await withLogin(() => post('/api/admin/sessions/close-all', undefined, options));
      setState({ doing: false, error: null, answer });
    } catch (error) {
      setState({ doing: false, error, answer: null });
    }
  };
  if (state.answer) return html`<${Outcome} answer=${state.answer} listed=${listed} onClose=${onClose} />`;
  const actions = html`<button type="button" class="secondary" disabled=${state.doing} onClick=${onClose}>
    ${t('admin.cancel')}</button>
    <button type="button" class="danger" disabled=${state.doing} onClick=${close}>
      ${state.doing ? t('admin.close_all.doing') : t('admin.close_all.yes', { n: listed.length })}</button>`;
  return html`<${Dialog} title=${t('admin.close_all.title')} onClose=${onClose} actions=${actions} busy=${state.doing} wide>
    <p>${t('admin.close_all.text', { n: listed.length })} ${account.value?.stations ? t('admin.close_all.limited') : t('admin.close_all.also_new')}</p>
    ${state.error && html`<${Problem} error=${state.error} />`}
    <ul class="closing-list" role="list" tabindex="0" aria-label=${t('admin.close_all.list')}>${listed.map((session) => html`<li
      key=${session.id}><${Named} session=${session} /></li>`)}</ul>
  <//>`;
}

/** A session by its names. */
function Named({ session }) {
  return html`<bdi>${session.station.name}</bdi> · <bdi>${session.worker.full_name}</bdi> · <bdi>
    ${session.job.job_number}</bdi> <${Status} code=${session.current_status} />`;
}

function Outcome({ answer, listed, onClose }) {
  const nameOf = (id) => listed.find((session) => session.id === id);
  const actions = html`<button type="button" class="primary" onClick=${onClose}>${t('admin.done')}</button>`;
  return html`<${Dialog} title=${t('admin.close_all.title')} onClose=${onClose} actions=${actions} wide>
    <p role="status">${t('admin.close_all.closed', { n: answer.closed })}</p>
    ${answer.failed.length > 0 && html`<h3>${t('admin.close_all.failed', { n: answer.failed.length })}</h3>
      <ul role="list">${answer.failed.map((one) => html`<li key=${one.session_id}>
        ${nameOf(one.session_id) ? html`<${Named} session=${nameOf(one.session_id)} />` : html`<code>
          ${one.session_id}</code>`} — <bdi>${one.message}</bdi></li>`)}</ul>
      <p>${t('admin.close_all.again')}</p>`}
  <//>`;
}
