// Accounts: who may watch, close sessions, and administer.
import { html, useEffect, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { get } from '../../shared/api.js';
import { keepFresh, stations } from '../directory.js';
import { Loading, useLoad } from '../widgets/load.js';
import { dateTime } from '../widgets/moments.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { AccountDialog } from './dialog.js';

/** The page. */
export function AccountsPage() {
  useEffect(() => keepFresh(['station']), []);
  const { data, error, reload } = useLoad((signal) => get('/api/admin/accounts', undefined, { signal }), []);
  const [edited, setEdited] = useState(undefined);
  const actions = html`<button type="button" class="primary" onClick=${() => setEdited(null)}>
    ${t('admin.accounts.new')}</button>`;
  return html`<${Page} title=${t('admin.nav.accounts')} actions=${actions}>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${!data && !error && html`<${Loading} />`}
    ${data && html`<${Table} accounts=${data.accounts} onEdit=${setEdited} />`}
    ${edited !== undefined && html`<${AccountDialog} account=${edited} onClose=${() => setEdited(undefined)}
      onSaved=${() => { setEdited(undefined); reload(); }} />`}
  <//>`;
}

function Table({ accounts, onEdit }) {
  const head = ['name', 'role', 'stations', 'is_active', 'password_changed', ''];
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('admin.nav.accounts')}>
    <table class="table table-cards">
    <caption class="visually-hidden">${t('admin.nav.accounts')}</caption>
    <thead><tr>${head.map((name) => html`<th key=${name} scope="col">${name ? t(`admin.accounts.${name}`) : html`<span
      class="visually-hidden">${t('admin.edit')}</span>`}</th>`)}</tr></thead>
    <tbody>${accounts.map((account) => html`<tr key=${account.name} class=${account.is_active ? '' : 'inactive'}>
      <th scope="row" data-label=${t('admin.accounts.name')}><bdi>${account.name}</bdi></th>
      <td data-label=${t('admin.accounts.role')}>${t(`admin.role.${account.role}`)}</td>
      <td data-label=${t('admin.accounts.stations')}><${Limits} ids=${account.stations} /></td>
      <td data-label=${t('admin.accounts.is_active')}>${account.is_active ? t('admin.yes') : t('admin.no')}</td>
      <td data-label=${t('admin.accounts.password_changed')} class="tabular nowrap">${dateTime(account.password_changed_at)}</td>
      <td><button type="button" class="secondary" aria-label=${t('admin.accounts.edit', { name: account.name })}
        onClick=${() => onEdit(account)}>${t('admin.edit')}</button></td></tr>`)}</tbody>
  </table></div>`;
}

/** Names of the stations that an account is limited to. */
function Limits({ ids }) {
  if (ids === null) return html`<span>${t('admin.accounts.all_stations')}</span>`;
  return html`<span>${ids.map((id, index) => html`${index > 0 && ', '}<bdi key=${id}>
    ${stations.value.get(id)?.name ?? id}</bdi>`)}</span>`;
}
