// The board: what every station does now.
import { html, useEffect, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { mayAdminister, maySupervise } from '../account.js';
import { keepFresh, listOf, statuses } from '../directory.js';
import { place } from '../router.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { Loading } from '../widgets/load.js';
import { groups, allStations } from './arrange.js';
import { CloseAll } from './close_all.js';
import { ConnectionBanner, isOld } from './connection.js';
import { Counts } from './counts.js';
import { Filters } from './filters.js';
import { classifyWith, counts, filled } from './store.js';
import { Tile } from './tile.js';
import { Wall } from './wall.js';

/** The board, or the view for a wall. */
export function BoardPage() {
  useEffect(() => keepFresh(['station', 'status']), []);
  const labels = statuses.value;
  useEffect(() => classifyWith((code) => labels.get(code)?.machine_class ?? 'stoppage'), [labels]);
  return place.value.query.get('wall') === '1' ? html`<${Wall} />` : html`<${Board} />`;
}

function Board() {
  const [closing, setClosing] = useState(false);
  const actions = html`<a class="button secondary" href="/admin?wall=1">${t('admin.board.wall')}</a>
    ${maySupervise.value && html`<${CloseAllButton} onPress=${() => setClosing(true)} />`}`;
  return html`<${Page} title=${t('admin.board.title')} actions=${actions} class=${isOld() ? 'board is-old' : 'board'}>
    <${ConnectionBanner} />
    <${Counts} />
    <${Filters} />
    <${Tiles} />
    ${closing && html`<${CloseAll} onClose=${() => setClosing(false)} />`}
  <//>`;
}

function CloseAllButton({ onPress }) {
  return html`<button type="button" class="danger-outline" disabled=${counts.value.active === 0} onClick=${onPress}>
    ${t('admin.close_all.open')}</button>`;
}

function Tiles() {
  const list = listOf('station');
  if (!filled.value && list.records === null) {
    return list.error ? html`<${Problem} error=${list.error} />` : html`<${Loading} />`;
  }
  if (allStations.value.length === 0) {
    return html`<div class="empty"><p>${t('admin.board.no_stations')}</p>${mayAdminister.value && html`<a class="button primary"
      href="/admin/factory">${t('admin.board.to_factory')}</a>`}</div>`;
  }
  if (groups.value.length === 0) {
    return html`<div class="empty"><p>${t('admin.board.nothing_matches')}</p>
      <a class="button secondary" href="/admin">${t('admin.board.show_all')}</a></div>`;
  }
  return html`<div class="groups">${groups.value.map((group) => html`<${Group} key=${group.key} title=${group.title}
    stations=${group.stations} id=${group.key} />`)}</div>`;
}

/** From this many stations on a group takes whole lines. */
const LARGE_GROUP = 6;

function Group({ id, title, stations }) {
  const heading = `group-${id.replace(/\W/g, '-')}`;
  return html`<section class=${stations.length >= LARGE_GROUP ? 'group group-large' : 'group'} aria-labelledby=${heading}>
    <h2 id=${heading} class="group-title"><bdi>${title}</bdi> <span class="group-size">${stations.length}</span></h2>
    <ul class="tiles" role="list">${stations.map((station) => html`<${Tile} key=${station.id} station=${station} />`)}</ul>
  </section>`;
}
