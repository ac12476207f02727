// One session: what it is, its statuses over time, its quantities, and everything that happened in it.
import { html, useEffect, useMemo, useState } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { get } from '../../shared/api.js';
import { serverNow } from '../../shared/time.js';
import { maySupervise } from '../account.js';
import { keepFresh } from '../directory.js';
import { sessionSignal, filled } from '../board/store.js';
import { Loading, useLoad } from '../widgets/load.js';
import { dateTime, duration } from '../widgets/moments.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { Status } from '../widgets/status.js';
import { CloseSession } from './close.js';
import { Events } from './events.js';
import { IntervalTable } from './interval.js';
import { TotalsPlot } from './plot.js';
import { eventsOf, intervalsOf, sumsOf, totalsOf, unprovenOf } from './story.js';
import { StatusSums, Timeline } from './timeline.js';

/** The picture of a session that runs grows this often. */
const GROW_EVERY_MS = 5_000;

/** The page. */
export function SessionPage({ id }) {
  useEffect(() => keepFresh(['status', 'reason', 'worker']), []);
  const live = sessionSignal(id)?.value;
  // What the feed tells is read again from history, where the intervals are; its end is the going of the session.
  const { data, error, loading, reload } = useLoad((signal) => get(`/api/admin/sessions/${id}`, undefined, { signal }), [id, live?.seq, filled.value && !live]);
  const [closing, setClosing] = useState(false);
  const session = data?.session ?? live;
  const isOpen = session?.status === 'active';
  const actions = isOpen && maySupervise.value && html`<button type="button" class="danger-outline"
    onClick=${() => setClosing(true)}>${t('admin.close.open')}</button>`;
  const title = session ? html`<bdi>${session.worker.full_name}</bdi> · <bdi>
    ${session.station.name}</bdi>` : t('admin.session.title');
  return html`<${Page} title=${title} heard=${session ? `${session.worker.full_name} · ${session.station.name}` : null}
    back=${{ href: '/admin/history', text: t('admin.session.back') }} actions=${actions}>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${!session && loading && html`<${Loading} />`}
    ${session && html`<${Summary} session=${session} />`}
    ${data && html`<${Story} data=${data} />`}
    ${closing && html`<${CloseSession} session=${session} onCancel=${() => setClosing(false)}
      onClosed=${() => { setClosing(false); reload(); }} />`}
  <//>`;
}

function Summary({ session }) {
  const now = useNow(session.status === 'active');
  const ended = session.ended_at ? Date.parse(session.ended_at) : now;
  const fact = (name, value) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`;
  return html`<dl class="facts facts-wide">
    ${fact(t('admin.session.status'), session.status === 'active' ? html`<${Status}
      code=${session.current_status} />` : t(`admin.cause.${session.closed_cause}`))}
    ${fact(t('admin.session.station'), html`<bdi>${session.station.name}</bdi> <bdi class="code">${session.station.code}</bdi>`)}
    ${fact(t('admin.session.job'), html`<bdi>${session.job.job_number}</bdi>${session.job.customer_name && html` · <bdi>
      ${session.job.customer_name}</bdi>`}`)}
    ${fact(t('admin.session.started'), html`<time dateTime=${session.started_at}>${dateTime(session.started_at)}</time>`)}
    ${fact(t('admin.session.ended'), session.ended_at ? html`<time dateTime=${session.ended_at}>
      ${dateTime(session.ended_at)}</time>` : t('admin.session.runs'))}
    ${fact(t('admin.session.duration'), html`<span class="tabular">${duration(ended - Date.parse(session.started_at))}</span>`)}
    ${fact(t('admin.good'), html`<span class="tabular" data-testid="total-good">${number(session.total_good)}</span>
      ${session.job.planned_quantity > 0 && html` <span class="hint">
      ${t('admin.session.of_planned', { n: number(session.job.planned_quantity) })}</span>`}`)}
    ${fact(t('admin.scrap'), html`<span class="tabular" data-testid="total-scrap">${number(session.total_scrap)}</span>`)}
    ${session.last_working_status && fact(t('admin.session.last_working'), html`<${Status}
      code=${session.last_working_status} />`)}
    ${session.overlong && fact(t('admin.session.attention'), html`<span class="flag">${t('admin.board.forgotten')}</span>`)}
  </dl>`;
}

function useNow(runs) {
  const [now, setNow] = useState(serverNow);
  useEffect(() => {
    if (!runs) return undefined;
    const timer = setInterval(() => setNow(serverNow()), GROW_EVERY_MS);
    return () => clearInterval(timer);
  }, [runs]);
  return Math.max(now, 0);
}

function Story({ data }) {
  const now = useNow(data.session.status === 'active');
  const intervals = useMemo(() => intervalsOf(data, now), [data, now]);
  const totals = useMemo(() => totalsOf(data, now), [data, now]);
  const events = useMemo(() => eventsOf(data), [data]);
  if (intervals.length === 0) return html`<p class="empty-line">${t('admin.session.not_started')}</p>
    <${Section} id="events" title=${t('admin.session.events')}><${Events} events=${events} session=${data.session} /><//>`;
  return html`<${Section} id="timeline" title=${t('admin.timeline.title')}>
      <${Timeline} intervals=${intervals} unproven=${unprovenOf(data.session)} />
      <${StatusSums} sums=${sumsOf(intervals)} />
      <${IntervalTable} intervals=${intervals} />
    <//>
    <${Section} id="quantities" title=${t('admin.session.quantities')}>
      ${data.quantity_changes.length > 0 ? html`<${TotalsPlot} totals=${totals} />` : html`<p class="empty-line">
        ${t('admin.session.nothing_counted')}</p>`}
    <//>
    <${Section} id="events" title=${t('admin.session.events')}><${Events} events=${events} session=${data.session} /><//>`;
}

function Section({ id, title, children }) {
  return html`<section class="panel" aria-labelledby=${`section-${id}`}>
    <h2 id=${`section-${id}`}>${title}</h2>${children}</section>`;
}
