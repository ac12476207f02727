// Making and changing an account.
import { html, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { patch, post } from '../../shared/api.js';
import { account as me } from '../account.js';
import { withLogin } from '../login_needed.js';
import { StationsField } from '../records/stations_field.js';
import { same } from '../records/kinds.js';
import { Dialog } from '../widgets/dialog.js';
import { Problem } from '../widgets/problem.js';

const ROLES = ['viewer', 'supervisor', 'admin'];
/** The gateway's limits. */
const PASSWORD_MIN = 8;
const STATIONS_MAX = 50;

/** What a changed account is told to the server as: only what changed. */
function changesOf(before, now) {
  const changes = {};
  if (now.role !== before.role) changes.role = now.role;
  if (now.is_active !== before.is_active) changes.is_active = now.is_active;
  if (now.password) changes.password = now.password;
  if (!same(now.stations, before.stations)) Object.assign(changes, now.stations === null ? { all_stations: true } : { stations: now.stations });
  return changes;
}

/** The dialog; `account` is null for a new one. */
export function AccountDialog({ account, onClose, onSaved }) {
  const [draft, setDraft] = useState(account ? { ...account, password: '' } : { name: '', password: '', role: 'viewer', is_active: true, stations: null });
  const [state, setState] = useState({ busy: false, error: null });
  const change = (part) => setDraft((before) => ({ ...before, ...part }));
  const save = async (event) => {
    event.preventDefault();
    const changes = account && changesOf(account, draft);
    if (changes && Object.keys(changes).length === 0) {
      onClose();
      return;
    }
    setState({ busy: true, error: null });
    try {
      await withLogin(() => (account ? patch(`/api/admin/accounts/${encodeURIComponent(account.name)}`, changes)
        : post('/api/admin/accounts', { account: draft.name, password: draft.password, role: draft.role, ...(draft.stations && { stations: draft.stations }) })));
      onSaved();
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  const actions = html`<button type="button" class="secondary" disabled=${state.busy} onClick=${onClose}>
    ${t('admin.cancel')}</button>
    <button type="submit" form="account-form" class="primary" disabled=${state.busy}>
      ${state.busy ? t('admin.saving') : t('admin.save')}</button>`;
  return html`<${Dialog} title=${account ? t('admin.accounts.edit', { name: account.name }) : t('admin.accounts.new')}
    onClose=${onClose} actions=${actions} busy=${state.busy}>
    <form id="account-form" onSubmit=${save}><${Fields} account=${account} draft=${draft} change=${change} />
      ${state.error && html`<${Problem} error=${state.error} />`}</form>
  <//>`;
}

function Fields({ account, draft, change }) {
  const limited = draft.stations !== null;
  const tooMany = limited && draft.stations.length > STATIONS_MAX;
  return html`${!account && html`<div class="field"><label for="account-name">${t('admin.accounts.name')}</label>
    <input id="account-name" type="text" required maxlength="200" autocomplete="off" dir="auto" value=${draft.name}
    onInput=${(event) => change({ name: event.currentTarget.value })} /></div>`}
    <div class="field"><label for="account-role">${t('admin.accounts.role')}</label>
      <select id="account-role" aria-describedby="account-role-hint" value=${draft.role}
      onChange=${(event) => change({ role: event.currentTarget.value })}>${ROLES.map((role) => html`<option key=${role}
      value=${role}>${t(`admin.role.${role}`)}</option>`)}</select><p class="hint" id="account-role-hint">
      ${t(`admin.role_text.${draft.role}`)}</p></div>
    <div class="field"><label for="account-password">
      ${t(account ? 'admin.accounts.new_password' : 'admin.accounts.password')}</label>
      <input id="account-password" type="password" minlength=${PASSWORD_MIN} required=${!account} autocomplete="new-password"
      dir="ltr" aria-describedby="account-password-hint" value=${draft.password}
      onInput=${(event) => change({ password: event.currentTarget.value })} />
      <p class="hint" id="account-password-hint">
        ${t(account ? 'admin.accounts.new_password_hint' : 'admin.accounts.password_hint')}</p></div>
    ${account && html`<div class="field field-flag"><label class="check">
      <input type="checkbox" checked=${draft.is_active}
      onChange=${(event) => change({ is_active: event.currentTarget.checked })} /> ${t('admin.accounts.may_sign_in')}</label>
      </div>`}
    <div class="field field-flag"><label class="check"><input type="checkbox" checked=${limited}
      onChange=${(event) => change({ stations: event.currentTarget.checked ? [] : null })} /> ${t('admin.accounts.limit')}</label>
      </div>
    ${limited && html`<${StationsField} field=${{ name: 'station_ids' }} value=${draft.stations}
      onChange=${(stations) => change({ stations })} />`}
    ${tooMany && html`<p class="problem" role="alert">${t('admin.accounts.too_many_stations', { n: STATIONS_MAX })}</p>`}
    ${account && html`<p class="hint">
      ${account.name === me.value?.name ? t('admin.accounts.own') : t('admin.accounts.signs_out')}</p>`}`;
}
