// The list of sessions, open ones and past ones: what is looked for stands in the address.
import { html, useEffect, useState } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { get } from '../../shared/api.js';
import { serverNow } from '../../shared/time.js';
import { keepFresh } from '../directory.js';
import { withLogin } from '../login_needed.js';
import { place } from '../router.js';
import { Loading, useLoad } from '../widgets/load.js';
import { dateTime, duration } from '../widgets/moments.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { Status } from '../widgets/status.js';
import { HistoryFilters } from './filters.js';
import { asked, csvAddress, listAddress } from './query.js';

/** The page. */
export function HistoryPage() {
  useEffect(() => keepFresh(['station', 'worker', 'status']), []);
  const query = place.value.query;
  const wanted = asked(query);
  const actions = wanted.state !== 'active' && html`<a class="button secondary" href=${csvAddress(wanted)} download>
    ${t('admin.history.csv')}</a>`;
  return html`<${Page} title=${t('admin.history.title')} actions=${actions}>
    <${HistoryFilters} wanted=${wanted} />
    <${Rows} key=${listAddress(wanted)} wanted=${wanted} />
  <//>`;
}

function Rows({ wanted }) {
  const first = useLoad((signal) => get(listAddress(wanted), undefined, { signal }), []);
  const [more, setMore] = useState({ sessions: [], cursor: undefined, loading: false, error: null });
  const cursor = more.cursor === undefined ? first.data?.next_cursor : more.cursor;
  const load = async () => {
    setMore((before) => ({ ...before, loading: true, error: null }));
    try {
      const page = await withLogin(() => get(listAddress(wanted, cursor)));
      setMore((before) => ({ sessions: [...before.sessions, ...page.sessions], cursor: page.next_cursor, loading: false, error: null }));
    } catch (error) {
      setMore((before) => ({ ...before, loading: false, error }));
    }
  };
  if (first.error) return html`<${Problem} error=${first.error} retry=${first.reload} />`;
  if (!first.data) return html`<${Loading} />`;
  const sessions = [...first.data.sessions, ...more.sessions];
  if (sessions.length === 0) return html`<div class="empty"><p>${t('admin.history.nothing')}</p>
    <a class="button secondary" href="/admin/history">${t('admin.history.show_all')}</a></div>`;
  return html`<${Table} sessions=${sessions} />
    <p class="hint" role="status">${t('admin.history.shown', { n: number(sessions.length) })}</p>
    ${more.error && html`<${Problem} error=${more.error} retry=${load} />`}
    ${cursor && !more.error && html`<button type="button" class="secondary load-more" disabled=${more.loading} onClick=${load}>
      ${more.loading ? t('admin.loading') : t('admin.load_more')}</button>`}`;
}

const COLUMNS = ['ended', 'worker', 'station', 'job', 'duration', 'good', 'scrap', 'last_status', 'cause'];

function Table({ sessions }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t('admin.history.title')}>
    <table class="table table-cards history">
    <caption class="visually-hidden">${t('admin.history.title')}</caption>
    <thead><tr>${COLUMNS.map((name) => html`<th key=${name} scope="col">${t(`admin.history.${name}`)}</th>`)}</tr></thead>
    <tbody>${sessions.map((session) => html`<${Row} key=${session.id} session=${session} />`)}</tbody>
  </table></div>`;
}

function Row({ session }) {
  const ended = session.ended_at ? Date.parse(session.ended_at) : serverNow();
  const cell = (name, content, css = '') => html`<td class=${css} data-label=${t(`admin.history.${name}`)}>${content}</td>`;
  return html`<tr data-session=${session.id}>
    ${cell('ended', html`<a href=${`/admin/sessions/${session.id}`}>${session.ended_at ? html`<time dateTime=${session.ended_at}>
      ${dateTime(session.ended_at)}</time>` : t('admin.session.runs')}</a>`, 'nowrap')}
    ${cell('worker', html`<bdi>${session.worker.full_name}</bdi>`)}
    ${cell('station', html`<span><bdi>${session.station.name}</bdi> <bdi class="code">${session.station.code}</bdi></span>`)}
    ${cell('job', html`<bdi>${session.job.job_number}</bdi>`)}
    ${cell('duration', duration(ended - Date.parse(session.started_at)), 'tabular nowrap')}
    ${cell('good', number(session.total_good), 'tabular')}
    ${cell('scrap', number(session.total_scrap), 'tabular')}
    ${cell('last_status', html`<${Status} code=${session.ended_at ? session.last_working_status : session.current_status} />`)}
    ${cell('cause', session.closed_cause ? t(`admin.cause.${session.closed_cause}`) : '')}
  </tr>`;
}
