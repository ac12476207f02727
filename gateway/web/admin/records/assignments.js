// Who may work where: workers by stations. Each tick is an edit of that worker's record, made against its newest version.
import { html, useEffect, useState } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { get } from '../../shared/api.js';
import { mayAdminister } from '../account.js';
import { keepFresh, listOf, reload, remember, stations } from '../directory.js';
import { withLogin } from '../login_needed.js';
import { place, setQuery } from '../router.js';
import { Loading } from '../widgets/load.js';
import { Page } from '../widgets/page.js';
import { Problem, problemText } from '../widgets/problem.js';
import { STATION_TYPES } from '../board/arrange.js';
import { KINDS } from './kinds.js';
import { DirectoryTabs } from './tabs.js';
import { newerOf, write } from './write.js';

/** A table of more than this many boxes is slow to draw and slow to read: it is cut into pages of workers. */
const BOXES_MAX = 1_200;
/** Somebody else may edit the same worker at the same time this often. */
const TRIES = 4;

/** Adds or takes out one station of a worker; the change is made again on a newer record, so nobody's edit is lost. */
export async function assign(stored, stationId, on) {
  let now = stored;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const ids = now.record.station_ids.filter((id) => id !== stationId);
    try {
      return await write(KINDS.workers, now.record.id, now.sequence, { station_ids: on ? [...ids, stationId] : ids });
    } catch (error) {
      const newer = newerOf(error);
      if (!newer || tries === TRIES - 1) throw error;
      now = newer;
      remember('worker', newer);
    }
  }
  return now;
}

/** The page. */
export function AssignmentsPage() {
  useEffect(() => keepFresh(['worker', 'station']), []);
  const [workers, places] = [listOf('worker'), listOf('station')];
  const error = workers.error ?? places.error;
  return html`<${Page} title=${t('admin.kind.assignments')}>
    <${DirectoryTabs} current="assignments" />
    ${error && html`<${Problem} error=${error} retry=${() => { reload('worker'); reload('station'); }} />`}
    ${workers.records && places.records ? html`<${Matrix} records=${workers.records} />` : !error && html`<${Loading} />`}
  <//>`;
}

function chosen(query, records) {
  const [type, text] = [query.get('type') ?? '', (query.get('q') ?? '').trim().toLocaleLowerCase()];
  const columns = [...stations.value.values()]
    .filter((station) => station.is_active && (!type || station.station_type === type))
    .sort((one, other) => one.code.localeCompare(other.code, undefined, { numeric: true }));
  const rows = records
    .filter(({ record }) => record.is_active && record.full_name.toLocaleLowerCase().includes(text))
    .sort((one, other) => one.record.full_name.localeCompare(other.record.full_name));
  return { type, text: query.get('q') ?? '', columns, rows };
}

function Matrix({ records }) {
  const [page, setPage] = useState(0);
  const [problem, setProblem] = useState(null);
  const { type, text, columns, rows } = chosen(place.value.query, records);
  const size = Math.max(5, Math.floor(BOXES_MAX / Math.max(1, columns.length)));
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const at = Math.min(page, pages - 1);
  return html`<search class="filters filters-row" aria-label=${t('admin.filters.label')}>
      <label class="field-inline"><span class="visually-hidden">${t('admin.records.search_worker')}</span>
        <input type="search" placeholder=${t('admin.records.search_worker')} value=${text}
        onInput=${(event) => setQuery({ q: event.currentTarget.value })} /></label>
      <label class="field-inline">${t('admin.filters.type')} <select value=${type}
        onChange=${(event) => setQuery({ type: event.currentTarget.value })}>
        <option value="">${t('admin.filters.all')}</option>${STATION_TYPES.map((one) => html`<option key=${one} value=${one}>
        ${t(`admin.station_type.${one}`)}</option>`)}</select></label>
    </search>
    ${problem && html`<div class="problem" role="alert"><p><strong><bdi>
      ${problem.name}</bdi>: ${problemText(problem.error)}</strong></p></div>`}
    ${rows.length === 0 || columns.length === 0 ? html`<div class="empty"><p>${t('admin.records.nothing_found')}</p>
      </div>` : html`<${Grid} columns=${columns} rows=${rows.slice(at * size, (at + 1) * size)} onProblem=${setProblem} />`}
    ${pages > 1 && html`<div class="pager"><button type="button" class="secondary" disabled=${at === 0}
      onClick=${() => setPage(at - 1)}>${t('admin.previous')}</button>
      <span class="tabular">${t('admin.page_of', { n: number(at + 1), of: number(pages) })}</span>
      <button type="button" class="secondary" disabled=${at === pages - 1} onClick=${() => setPage(at + 1)}>
        ${t('admin.next')}</button></div>`}`;
}

function Grid({ columns, rows, onProblem }) {
  return html`<div class="table-scroll matrix-scroll" tabindex="0" role="region" aria-label=${t('admin.kind.assignments')}>
    <table class="table matrix">
    <caption class="visually-hidden">${t('admin.kind.assignments')}</caption>
    <thead><tr><th scope="col">${t('admin.session.worker')}</th>${columns.map((station) => html`<th key=${station.id} scope="col"
      class="matrix-station"><bdi class="code">${station.code}</bdi><span class="hint"><bdi>${station.name}</bdi></span>
      </th>`)}</tr></thead>
    <tbody>${rows.map((stored) => html`<${Row} key=${stored.record.id} stored=${stored} columns=${columns}
      onProblem=${onProblem} />`)}</tbody>
  </table></div>`;
}

function Row({ stored, columns, onProblem }) {
  const [busy, setBusy] = useState(null);
  const { record } = stored;
  const tick = async (station, on) => {
    setBusy(station.id);
    try {
      await assign(stored, station.id, on);
      onProblem(null);
    } catch (error) {
      onProblem({ name: record.full_name, error });
      await withLogin(() => get(`/api/admin/directory/worker/${record.id}`)).then((now) => remember('worker', now), () => undefined);
    } finally {
      setBusy(null);
    }
  };
  return html`<tr><th scope="row"><bdi>${record.full_name}</bdi></th>${columns.map((station) => html`<td key=${station.id}>
    <label class="matrix-box">
    <input type="checkbox" aria-label=${`${record.full_name} – ${station.name}`}
      checked=${busy === station.id ? !record.station_ids.includes(station.id) : record.station_ids.includes(station.id)}
      disabled=${!mayAdminister.value || busy !== null} onChange=${(event) => tick(station, event.currentTarget.checked)} />
      </label></td>`)}</tr>`;
}
