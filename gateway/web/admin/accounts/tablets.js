// Enrolled browsers: those from which worker codes are accepted, where only enrolled ones are.
import { html, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { del, get, post } from '../../shared/api.js';
import { withLogin } from '../login_needed.js';
import { confirm } from '../widgets/confirm.js';
import { Dialog } from '../widgets/dialog.js';
import { Loading, useLoad } from '../widgets/load.js';
import { dateTime } from '../widgets/moments.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';

/** The page. */
export function TabletsPage() {
  const { data, error, reload } = useLoad((signal) => get('/api/admin/devices', undefined, { signal }), []);
  const [enrolling, setEnrolling] = useState(false);
  const [failed, setFailed] = useState(null);
  const end = async (device) => {
    const text = t('admin.tablets.end_text', { name: device.name });
    const sure = await confirm({ title: t('admin.tablets.end_title'), text, yes: t('admin.tablets.end'), danger: true });
    if (!sure) return;
    try {
      await withLogin(() => del(`/api/admin/devices/${device.id}`));
      setFailed(null);
    } catch (caught) {
      setFailed(caught);
    }
    reload();
  };
  const actions = html`<button type="button" class="primary" disabled=${!data || Boolean(data.this)}
    onClick=${() => setEnrolling(true)}>${t('admin.tablets.enrol')}</button>`;
  return html`<${Page} title=${t('admin.nav.tablets')} actions=${actions}>
    <p>${t('admin.tablets.text')} ${data && html`<strong>
      ${t(data.required ? 'admin.tablets.required' : 'admin.tablets.not_required')}</strong>`}</p>
    ${(error ?? failed) && html`<${Problem} error=${error ?? failed} retry=${reload} />`}
    ${!data && !error && html`<${Loading} />`}
    ${data && (data.devices.length === 0 ? html`<div class="empty"><p>${t('admin.tablets.none')}</p>
      </div>` : html`<${Table} devices=${data.devices} here=${data.this} onEnd=${end} />`)}
    ${enrolling && html`<${Enrol} onClose=${() => setEnrolling(false)} onDone=${() => { setEnrolling(false); reload(); }} />`}
  <//>`;
}

function Table({ devices, here, onEnd }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('admin.nav.tablets')}>
    <table class="table table-cards">
    <caption class="visually-hidden">${t('admin.nav.tablets')}</caption>
    <thead><tr><th scope="col">${t('admin.tablets.name')}</th><th scope="col">${t('admin.tablets.enrolled')}</th>
      <th scope="col">${t('admin.tablets.by')}</th><th scope="col"><span class="visually-hidden">${t('admin.tablets.end')}</span>
      </th></tr></thead>
    <tbody>${devices.map((device) => html`<tr key=${device.id}>
      <th scope="row" data-label=${t('admin.tablets.name')}><bdi>${device.name}</bdi>${device.id === here && html` <span
        class="flag">${t('admin.tablets.here')}</span>`}</th>
      <td data-label=${t('admin.tablets.enrolled')} class="tabular nowrap">${dateTime(device.enrolled_at)}</td>
      <td data-label=${t('admin.tablets.by')}><bdi>${device.enrolled_by}</bdi></td>
      <td><button type="button" class="danger-outline" aria-label=${t('admin.tablets.end_one', { name: device.name })}
        onClick=${() => onEnd(device)}>${t('admin.tablets.end')}</button></td></tr>`)}</tbody>
  </table></div>`;
}

function Enrol({ onClose, onDone }) {
  const [name, setName] = useState('');
  const [state, setState] = useState({ busy: false, error: null });
  const enrol = async (event) => {
    event.preventDefault();
    setState({ busy: true, error: null });
    try {
      await withLogin(() => post('/api/admin/devices', { name: name.trim() }));
      onDone();
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  const actions = html`<button type="button" class="secondary" onClick=${onClose}>${t('admin.cancel')}</button>
    <button type="submit" form="enrol-form" class="primary" disabled=${state.busy}>${t('admin.tablets.enrol')}</button>`;
  return html`<${Dialog} title=${t('admin.tablets.enrol')} onClose=${onClose} actions=${actions} busy=${state.busy}>
    <form id="enrol-form" onSubmit=${enrol}><p>${t('admin.tablets.enrol_text')}</p>
      <div class="field"><label for="tablet-name">${t('admin.tablets.name')}</label>
        <input id="tablet-name" type="text" required maxlength="200" dir="auto" autocomplete="off" value=${name}
        onInput=${(event) => setName(event.currentTarget.value)} /></div>
      ${state.error && html`<${Problem} error=${state.error} />`}</form>
  <//>`;
}
