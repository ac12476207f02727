// The records of a kind, to look through and to open.
import { html, useEffect, useState } from '../../shared/html.js';
import { label, number, t } from '../../shared/i18n.js';
import { mayAdminister } from '../account.js';
import { keepFresh, keyOf, listOf, reload, stations } from '../directory.js';
import { place, setQuery } from '../router.js';
import { Loading } from '../widgets/load.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { Status } from '../widgets/status.js';
import { KINDS } from './kinds.js';
import { DirectoryTabs } from './tabs.js';

/** Rows drawn at first: a directory may have thousands of jobs. */
const ROWS_SHOWN = 200;

/** The page of a kind. */
export function ListPage({ name }) {
  const kind = KINDS[name];
  useEffect(() => keepFresh([kind.path, 'station']), [kind]);
  const { records, error } = listOf(kind.path);
  const query = place.value.query;
  const actions = mayAdminister.value && html`<a class="button primary" href=${`/admin/directory/${name}/new`}>
    ${t(`admin.new.${name}`)}</a>`;
  return html`<${Page} title=${t(`admin.kind.${name}`)} actions=${actions}>
    <${DirectoryTabs} current=${name} />
    ${error && html`<${Problem} error=${error} retry=${() => reload(kind.path)} />`}
    ${!records && !error && html`<${Loading} />`}
    ${records && html`<${Records} name=${name} kind=${kind} records=${records} text=${query.get('q') ?? ''}
      all=${query.get('all') === '1'} />`}
  <//>`;
}

function Records({ name, kind, records, text, all }) {
  const [shown, setShown] = useState(ROWS_SHOWN);
  const wanted = text.trim().toLocaleLowerCase();
  const found = records
    .map(({ record }) => record)
    .filter((record) => (all || record.is_active !== false) && (!wanted || wordsOf(record).includes(wanted)))
    .sort((one, other) => kind.nameOf(one).localeCompare(kind.nameOf(other), undefined, { numeric: true }));
  const hidden = records.filter(({ record }) => record.is_active === false).length;
  return html`<search class="filters filters-row" aria-label=${t('admin.filters.label')}>
      <label class="field-inline"><span class="visually-hidden">${t('admin.records.search')}</span>
        <input type="search" placeholder=${t('admin.records.search')} value=${text}
        onInput=${(event) => setQuery({ q: event.currentTarget.value })} /></label>
      ${hidden > 0 && html`<label class="check"><input type="checkbox" checked=${all}
        onChange=${(event) => setQuery({ all: event.currentTarget.checked ? '1' : '' })} /> ${t('admin.records.show_inactive', { n: hidden })}</label>`}
    </search>
    ${found.length === 0 ? html`<div class="empty"><p>
      ${t(records.length === 0 ? 'admin.records.none' : 'admin.records.nothing_found')}</p>
      </div>` : html`<${Table} name=${name} kind=${kind} records=${found.slice(0, shown)} />`}
    ${found.length > shown && html`<button type="button" class="secondary load-more"
      onClick=${() => setShown(shown + ROWS_SHOWN)}>${t('admin.records.more', { n: found.length - shown })}</button>`}`;
}

const wordsOf = (record) =>
  ['full_name', 'worker_code', 'name', 'code', 'job_number', 'customer_name', 'description', 'label_he', 'label_ru', 'label_en']
    .map((field) => record[field] ?? '').join('\n').toLocaleLowerCase();

function Table({ name, kind, records }) {
  return html`<div class="table-scroll" tabindex="0" role="region" aria-label=${t(`admin.kind.${name}`)}>
    <table class="table table-cards">
    <caption class="visually-hidden">${t(`admin.kind.${name}`)}</caption>
    <thead><tr>${kind.columns.map((column) => html`<th key=${column} scope="col">${t(`admin.field.${column}`)}</th>`)}</tr>
      </thead>
    <tbody>${records.map((record) => html`<tr key=${keyOf(kind.path, record)}
      class=${record.is_active === false ? 'inactive' : ''}>
      ${kind.columns.map((column, index) => html`<td key=${column} data-label=${t(`admin.field.${column}`)}>${index === 0
        ? html`<a href=${`/admin/directory/${name}/${encodeURIComponent(keyOf(kind.path, record))}`}>
          <${Cell} kind=${kind} record=${record} column=${column} /></a>`
        : html`<${Cell} kind=${kind} record=${record} column=${column} />`}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

function Cell({ kind, record, column }) {
  const value = record[column];
  switch (column) {
    case 'label': return kind.path === 'status' ? html`<${Status} code=${record.code} />` : html`<bdi>${label(record)}</bdi>`;
    case 'is_active': return value ? t('admin.yes') : t('admin.no');
    case 'requires_reason': return value ? t('admin.yes') : t('admin.no');
    case 'station_ids': return number(value.length);
    case 'start_checklist': case 'end_checklist': return number(value.length);
    case 'planned_quantity': return value === null ? '' : number(value);
    case 'station_id': return value === null ? t('admin.records.everywhere') : html`<bdi>
      ${stations.value.get(value)?.name ?? value}</bdi>`;
    case 'language': return t(`admin.language.${value}`);
    case 'type': return t(`admin.reason_type.${value}`);
    case 'station_type': return t(`admin.station_type.${value}`);
    case 'machine_class': return t(`admin.machine_class.${value}`);
    default: return html`<bdi class=${column.endsWith('code') || column === 'job_number' ? 'code' : ''}>${value ?? ''}</bdi>`;
  }
}
