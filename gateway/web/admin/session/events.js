// Everything that happened in a session: when, what, and who did it.
import { html } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { workers } from '../directory.js';
import { dateTime, timeOfDay } from '../widgets/moments.js';
import { Status } from '../widgets/status.js';
import { ImageLink, Note, Reason } from './interval.js';

/** A device reported this much later than somebody pressed: worth a word. */
const LATE_AFTER_MS = 2_000;

/** The list. */
export function Events({ events, session }) {
  if (events.length === 0) return html`<p class="empty-line">${t('admin.session.no_events')}</p>`;
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label=${t('admin.session.events')}>
    <table class="table table-cards events">
    <caption class="visually-hidden">${t('admin.session.events')}</caption>
    <thead><tr><th scope="col">${t('admin.session.time')}</th><th scope="col">${t('admin.session.what')}</th>
      <th scope="col">${t('admin.session.who')}</th></tr></thead>
    <tbody>${events.map((event) => html`<tr key=${event.version}>
      <td class="tabular nowrap" data-label=${t('admin.session.time')}><time dateTime=${event.at}>
        ${momentOf(event.at, session)}</time></td>
      <td data-label=${t('admin.session.what')}><span><${What} event=${event} /></span></td>
      <td data-label=${t('admin.session.who')}><${Who} event=${event} session=${session} /></td></tr>`)}</tbody>
  </table></div>`;
}

/** Within the day on which a session was opened the time is enough. */
const momentOf = (at, session) => (new Date(at).toDateString() === new Date(session.created_at).toDateString() ? timeOfDay(at, true) : dateTime(at, true));

function What({ event }) {
  const { began, counted, cause, kind } = event;
  const text = kind === 'closed' ? t(`admin.cause.${cause}`) : t(`admin.event.${kind}`);
  return html`<span>${text}</span>${began && html` <${Status} code=${began.status} />${began.reason_id && html` · <${Reason}
    id=${began.reason_id} />`}${began.note && html` <${Note} text=${began.note} />`}${began.image_url && html` <${ImageLink}
    url=${began.image_url} />`}`}
    ${counted && html` <${Counted} change=${counted} />`}<${Late} at=${event.at}
      reportedAt=${(began ?? counted)?.reported_at} />`;
}

const signed = (value) => (value > 0 ? `+${number(value)}` : number(value));

function Counted({ change }) {
  const part = (name, delta, total) => delta !== 0 && html`<span class="counted">${name} <bdi class="tabular" dir="ltr">
    ${signed(delta)}</bdi> <span class="hint tabular">(${t('admin.event.total', { n: total })})</span></span> `;
  return html`${part(t('admin.good'), change.good_delta, change.total_good)}${part(t('admin.scrap'), change.scrap_delta, change.total_scrap)}
    ${change.reason_id && html`· <${Reason} id=${change.reason_id} />`}`;
}

/** A tablet without network sends later what was pressed before. */
function Late({ at, reportedAt }) {
  if (!reportedAt || Date.parse(at) - Date.parse(reportedAt) < LATE_AFTER_MS) return null;
  return html` <span class="hint">${t('admin.session.pressed_at', { time: dateTime(reportedAt, true) })}</span>`;
}

function Who({ event, session }) {
  if (event.by === 'admin') return html`${t('admin.session.account')} <bdi>${event.name}</bdi>`;
  if (event.by !== 'worker') return html`<span>${t('admin.session.system')}</span>`;
  const name = event.name === session.worker_id ? session.worker.full_name : workers.value.get(event.name)?.full_name;
  return html`<bdi>${name ?? event.name}</bdi>`;
}
