// Closing one session: the question names it.
import { html, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { ApiError, post } from '../../shared/api.js';
import { newId } from '../../shared/ids.js';
import { withLogin } from '../login_needed.js';
import { Dialog } from '../widgets/dialog.js';
import { Problem } from '../widgets/problem.js';
import { Status } from '../widgets/status.js';

/** The dialog. `onClosed`: it is closed now, by this or by somebody else. */
export function CloseSession({ session, onCancel, onClosed }) {
  const [key] = useState(newId);
  const [doing, setDoing] = useState(false);
  const [error, setError] = useState(null);
  const close = async () => {
    setDoing(true);
    try {
      await withLogin(() => post(`/api/admin/sessions/${session.id}/close`, undefined, { idempotencyKey: key }));
      onClosed();
    } catch (caught) {
      if (caught instanceof ApiError && caught.code === 'SESSION_CLOSED') onClosed();
      else setError(caught);
    } finally {
      setDoing(false);
    }
  };
  const actions = html`<button type="button" class="secondary" disabled=${doing} onClick=${onCancel}>${t('admin.cancel')}</button>
    <button type="button" class="danger" disabled=${doing} onClick=${close}>
      ${doing ? t('admin.close.doing') : t('admin.close.yes')}</button>`;
  return html`<${Dialog} title=${t('admin.close.title')} onClose=${onCancel} actions=${actions} busy=${doing}>
    <dl class="facts"><div><dt>${t('admin.session.worker')}</dt><dd><bdi>${session.worker.full_name}</bdi></dd></div>
      <div><dt>${t('admin.session.station')}</dt><dd><bdi>${session.station.name}</bdi> <bdi class="code">
        ${session.station.code}</bdi></dd></div>
      <div><dt>${t('admin.session.job')}</dt><dd><bdi>${session.job.job_number}</bdi></dd></div>
      <div><dt>${t('admin.session.status')}</dt><dd><${Status} code=${session.current_status} /></dd></div></dl>
    <p>${t('admin.close.text')}</p>
    ${error && html`<${Problem} error=${error} />`}
  <//>`;
}
