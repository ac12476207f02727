// The board on a wall: everything on one screen, in large type, with nothing to press.
import { html, useEffect, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { groups } from './arrange.js';
import { ConnectionBanner, ConnectionState, isOld } from './connection.js';
import { Counts } from './counts.js';
import { Tile } from './tile.js';

/** Width of a tile over its height that reads best. */
const TILE_ASPECT = 1.7;
/** Height of what is above the tiles, as a share of the screen. */
const HEAD_SHARE = 0.14;

/** Columns with which this many tiles fill a screen without scrolling. */
function columnsFor(tiles, width, height) {
  return Math.max(1, Math.min(tiles, Math.round(Math.sqrt((tiles * width) / (height * (1 - HEAD_SHARE) * TILE_ASPECT)))));
}

function useScreen() {
  const read = () => ({ width: window.innerWidth, height: window.innerHeight });
  const [screen, setScreen] = useState(read);
  useEffect(() => {
    const again = () => setScreen(read());
    window.addEventListener('resize', again);
    return () => window.removeEventListener('resize', again);
  }, []);
  return screen;
}

/** The view. */
export function Wall() {
  const { width, height } = useScreen();
  const stations = groups.value.flatMap((group) => group.stations);
  const columns = columnsFor(stations.length, width, height);
  const rows = Math.max(1, Math.ceil(stations.length / columns));
  return html`<main class=${isOld() ? 'wall is-old' : 'wall'} id="main" tabindex="-1">
    <h1 class="visually-hidden">${t('admin.board.title')}</h1>
    <div class="wall-head"><${Counts} /><${ConnectionState} /></div>
    <${ConnectionBanner} />
    <ul class="wall-tiles" role="list" style=${{ '--columns': columns, '--rows': rows }}>
      ${stations.map((station) => html`<${Tile} key=${station.id} station=${station} heading="h2" />`)}
    </ul>
  </main>`;
}
