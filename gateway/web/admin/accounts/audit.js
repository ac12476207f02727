// What accounts did, newest first.
import { html, useEffect, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { get } from '../../shared/api.js';
import { jobs, keepFresh, reasons, stations, statuses, workers } from '../directory.js';
import { label } from '../../shared/i18n.js';
import { withLogin } from '../login_needed.js';
import { place, setQuery } from '../router.js';
import { Loading, useLoad } from '../widgets/load.js';
import { dateTime } from '../widgets/moments.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';

/** What can be looked for. */
const KINDS = ['worker', 'station', 'job', 'reason', 'status', 'credential', 'account', 'session', 'device', 'directory'];
/** What the texts of this page know; newer deeds are shown by their own names. */
const ACTIONS = new Set([
  'put', 'remove', 'import', 'sign_in', 'sign_out', 'create_account', 'change_account', 'set_password',
  'export_directory', 'close_session', 'close_all_sessions',
]);

function addressOf(query, cursor) {
  const asked = new URLSearchParams();
  if (query.get('kind')) asked.set('kind', query.get('kind'));
  if (query.get('actor')) asked.set('actor', `admin:${query.get('actor')}`);
  if (cursor) asked.set('cursor', cursor);
  return `/api/admin/audit?${asked}`;
}

/** The page. */
export function AuditPage() {
  useEffect(() => keepFresh(['worker', 'station', 'reason', 'status', 'job']), []);
  const query = place.value.query;
  return html`<${Page} title=${t('admin.nav.audit')}>
    <search class="filters filters-grid" aria-label=${t('admin.filters.label')}>
      <label class="field"><span>${t('admin.audit.kind')}</span><select value=${query.get('kind') ?? ''}
        onChange=${(event) => setQuery({ kind: event.currentTarget.value })}>
        <option value="">${t('admin.filters.all')}</option>${KINDS.map((kind) => html`<option key=${kind} value=${kind}>
        ${t(`admin.audit_kind.${kind}`)}</option>`)}</select></label>
      <label class="field"><span>${t('admin.audit.account')}</span><input type="text" dir="auto" autocomplete="off"
        value=${query.get('actor') ?? ''} onChange=${(event) => setQuery({ actor: event.currentTarget.value.trim() })} /></label>
    </search>
    <${Entries} key=${addressOf(query)} query=${query} />
  <//>`;
}

function Entries({ query }) {
  const first = useLoad((signal) => get(addressOf(query), undefined, { signal }), []);
  const [more, setMore] = useState({ entries: [], cursor: undefined, loading: false, error: null });
  const cursor = more.cursor === undefined ? first.data?.next_cursor : more.cursor;
  const load = async () => {
    setMore((before) => ({ ...before, loading: true, error: null }));
    try {
      const page = await withLogin(() => get(addressOf(query, cursor)));
      setMore((before) => ({ entries: [...before.entries, ...page.entries], cursor: page.next_cursor, loading: false, error: null }));
    } catch (error) {
      setMore((before) => ({ ...before, loading: false, error }));
    }
  };
  if (first.error) return html`<${Problem} error=${first.error} retry=${first.reload} />`;
  if (!first.data) return html`<${Loading} />`;
  const entries = [...first.data.entries, ...more.entries];
  if (entries.length === 0) return html`<div class="empty"><p>${t('admin.audit.none')}</p></div>`;
  return html`<${Table} entries=${entries} />
    ${more.error && html`<${Problem} error=${more.error} retry=${load} />`}
    ${cursor && !more.error && html`<button type="button" class="secondary load-more" disabled=${more.loading} onClick=${load}>
      ${more.loading ? t('admin.loading') : t('admin.load_more')}</button>`}`;
}

function Table({ entries }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('admin.nav.audit')}>
    <table class="table table-cards">
    <caption class="visually-hidden">${t('admin.nav.audit')}</caption>
    <thead><tr>${['when', 'who', 'what', 'on'].map((name) => html`<th key=${name} scope="col">
      ${t(`admin.audit.${name}`)}</th>`)}</tr></thead>
    <tbody>${entries.map((entry) => html`<tr key=${`${entry.sequence} ${entry.kind} ${entry.record_id}`}>
      <td class="tabular nowrap" data-label=${t('admin.audit.when')}><time dateTime=${entry.at}>${dateTime(entry.at, true)}</time>
        </td>
      <td data-label=${t('admin.audit.who')}><${Actor} actor=${entry.actor} /></td>
      <td data-label=${t('admin.audit.what')}>
        ${ACTIONS.has(entry.action) ? t(`admin.audit_action.${entry.action}`) : entry.action}</td>
      <td data-label=${t('admin.audit.on')}><span><${Target} kind=${entry.kind} id=${entry.record_id} />
        ${entry.detail && html` <span class="hint" dir="auto">${entry.detail}</span>`}</span></td></tr>`)}</tbody>
  </table></div>`;
}

function Actor({ actor }) {
  if (actor === 'system') return html`<span>${t('admin.session.system')}</span>`;
  const [kind, name] = [actor.slice(0, actor.indexOf(':')), actor.slice(actor.indexOf(':') + 1)];
  return html`<bdi>${kind === 'worker' ? (workers.value.get(name)?.full_name ?? name) : name}</bdi>`;
}

function Target({ kind, id }) {
  const name = nameOf(kind, id);
  const words = KINDS.includes(kind) ? t(`admin.audit_kind.${kind}`) : kind;
  if (kind === 'session' && id) return html`<a href=${`/admin/sessions/${id}`}>${words}</a>`;
  return html`${words}${name && html` <bdi>${name}</bdi>`}`;
}

/** The name that a record has now; its id when it is gone. */
function nameOf(kind, id) {
  switch (kind) {
    case 'worker': case 'credential': return workers.value.get(id)?.full_name ?? id;
    case 'station': return stations.value.get(id)?.name ?? id;
    case 'job': return jobs.value.get(id)?.job_number ?? id;
    case 'reason': return reasons.value.has(id) ? label(reasons.value.get(id)) : id;
    case 'status': return statuses.value.has(id) ? label(statuses.value.get(id)) : id;
    default: return id;
  }
}
