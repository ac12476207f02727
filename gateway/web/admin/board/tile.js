// One station on the board: who works there, on what, since when. It redraws when its own sessions change, and its
// clocks write their text themselves.
import { html, useComputed, useEffect, useRef } from '../../shared/html.js';
import { t, number } from '../../shared/i18n.js';
import { Icon } from '../widgets/icon.js';
import { statusColors, statusOf } from '../widgets/status.js';
import { age, clock } from '../widgets/moments.js';
import { idsAt, sessionSignal } from './store.js';
import { eachSecond } from './ticker.js';

/** Without a sign of life for this long a session is shown as silent: workers' pages give one every 15 s, and it
 * reaches the board with the next ping. */
const SILENT_AFTER_MS = 90_000;
/** What a tile with several sessions looks like: what needs somebody comes first. */
const URGENCY = ['stoppage', 'setup', 'preparing', 'production', 'free'];

const FREE = { color: '#64748b', machineClass: 'free' };

/** The look of a station: that of its most urgent session. */
function lookOf(ids) {
  const looks = ids.map((id) => sessionSignal(id)?.value).filter(Boolean).map((one) => statusOf(one.current_status));
  looks.sort((one, other) => URGENCY.indexOf(one.machineClass) - URGENCY.indexOf(other.machineClass));
  return looks[0] ?? FREE;
}

/** A station with its sessions. `heading`: the level that fits where it stands. */
export function Tile({ station, heading = 'h3' }) {
  const ids = idsAt(station.id).value;
  const look = useComputed(() => {
    const { color, machineClass } = lookOf(idsAt(station.id).value);
    return `${machineClass} ${color}`;
  });
  const [machineClass, color] = look.value.split(' ');
  const id = `station-${station.id}`;
  return html`<li class="tile" data-class=${machineClass} data-testid="tile" data-station=${station.code}
    data-sessions=${ids.length} style=${{ ...statusColors(color), '--sessions': ids.length }}>
    <article aria-labelledby=${id}>
      <${heading} id=${id} class="tile-name"><bdi>${station.name}</bdi> <span class="tile-code"><bdi>${station.code}</bdi></span>
        <//>
      ${ids.length === 0 && html`<p class="tile-free"><${Icon} name="free" />${t('admin.board.free')}</p>`}
      ${ids.map((one) => html`<${SessionOnTile} key=${one} id=${one} />`)}
    </article>
  </li>`;
}

function SessionOnTile({ id }) {
  const session = sessionSignal(id)?.value;
  if (!session) return null;
  const { color, text, machineClass } = statusOf(session.current_status);
  return html`<section class="tile-session" data-session=${id} data-status=${session.current_status ?? ''}
    style=${statusColors(color)}>
    <p class="tile-status"><${Icon} name=${machineClass} /><bdi class="tile-label">${text}</bdi><${SinceClock} id=${id} /></p>
    <p class="tile-who"><a href=${`/admin/sessions/${id}`}><bdi>${session.worker.full_name}</bdi></a></p>
    <p class="tile-job"><bdi class="job-number">${session.job.job_number}</bdi>${session.job.customer_name && html` <bdi
      class="customer">${session.job.customer_name}</bdi>`}</p>
    <${Quantities} session=${session} />
    <${Alive} id=${id} />
  </section>`;
}

function Quantities({ session }) {
  const { total_good: good, total_scrap: scrap, job } = session;
  const planned = job.planned_quantity;
  return html`<dl class="tile-sums">
      <div><dt>${t('admin.good')}</dt><dd class="good">${number(good)}</dd></div>
      <div><dt>${t('admin.scrap')}</dt><dd class="scrap">${number(scrap)}</dd></div>
      ${planned > 0 && html`<div><dt>${t('admin.planned')}</dt><dd>${number(planned)}</dd></div>`}
    </dl>
    ${planned > 0 && html`<progress class="tile-progress" max=${planned} value=${Math.min(good, planned)}
      aria-label=${t('admin.board.progress')}></progress>`}`;
}

/** How long the status lasts. */
function SinceClock({ id }) {
  const node = useRef(null);
  useEffect(() => eachSecond((now) => {
    const session = sessionSignal(id)?.peek();
    if (session) write(node.current, clock(now - Date.parse(session.last_status_change_at ?? session.created_at)));
  }), [id]);
  return html`<span class="tile-clock" role="timer" ref=${node}></span>`;
}

/** The last sign of life, and what is wrong with a session that has none or is open for too long. */
function Alive({ id }) {
  const [seen, silent, forgotten] = [useRef(null), useRef(null), useRef(null)];
  useEffect(() => eachSecond((now) => {
    const session = sessionSignal(id)?.peek();
    if (!session) return;
    write(seen.current, age(now - session.seen_ms));
    hide(silent.current, now - session.seen_ms <= SILENT_AFTER_MS);
    hide(forgotten.current, now <= Date.parse(session.overlong_at));
  }), [id]);
  return html`<p class="tile-alive">
    <span class="tile-seen">${t('admin.board.seen')} <span ref=${seen}></span></span>
    <span class="flag flag-silent" hidden ref=${silent}><${Icon} name="silent" />${t('admin.board.silent')}</span>
    <span class="flag flag-forgotten" hidden ref=${forgotten}><${Icon} name="warning" />${t('admin.board.forgotten')}</span>
  </p>`;
}

/** Writes a text where it differs: an untouched text costs the browser nothing. A tile that is just going has none. */
function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

function hide(element, hidden) {
  if (element && element.hidden !== hidden) element.hidden = hidden;
}
