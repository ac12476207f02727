// What was done, once the session is completed.
import { html } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { duration, moment } from '../../shared/time.js';
import { go, parameter, path } from '../router.js';
import { summary, where } from '../whereabouts.js';
import { Page } from '../widgets/page.js';
import { JobLine } from '../widgets/job_line.js';
import { Leave } from '../widgets/foot.js';

/** The session of this address: just completed, or the worker's last one as the server knows it; null: another. */
export function summaryOf(at) {
  const id = parameter(at);
  return [summary.value, where.value.previous].find((one) => one?.session.id === id) ?? null;
}

/** The step. */
export function SummaryPage() {
  const done = summaryOf(path.value);
  const { session } = done;
  const fact = (name, value) => html`<div><dt>${name}</dt><dd class="tabular">${value}</dd></div>`;
  return html`<${Page} name="summary" title=${t('worker.summary.title')}>
    <${JobLine} at=${done} />
    <dl class="totals">
      ${fact(t('worker.good'), number(session.total_good))}
      ${fact(t('worker.scrap'), number(session.total_scrap))}
      ${fact(t('worker.summary.from'), moment(session.started_at))}
      ${fact(t('worker.summary.lasted'), duration(Date.parse(session.ended_at) - Date.parse(session.started_at)))}
    </dl>
    <div class="buttons"><button type="button" class="primary big" onClick=${() => go('/stations', { replace: true })}>${t('worker.summary.next')}</button></div>
    <footer class="step-foot"><${Leave} /></footer>
  <//>`;
}
