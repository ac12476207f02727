// A session is open already: whether to go on with it, and until when that can be said.
import { html } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { moment } from '../../shared/time.js';
import { setResuming } from '../identity.js';
import { abandon } from '../session/act.js';
import { isEnding } from '../session/shown.js';
import { look, where } from '../whereabouts.js';
import { Page } from '../widgets/page.js';
import { JobLine } from '../widgets/job_line.js';
import { Leave } from '../widgets/foot.js';
import { Waiting } from '../widgets/problem.js';
import { Clock } from '../widgets/ticker.js';

/** The step. */
export function ResumePage() {
  const { session, graceExpiresAt } = where.value;
  return html`<${Page} name="resume" title=${t('worker.resume.title')}>
    <${JobLine} />
    <dl class="totals">
      <div><dt>${t('worker.good')}</dt><dd class="tabular">${number(session.total_good)}</dd></div>
      <div><dt>${t('worker.scrap')}</dt><dd class="tabular">${number(session.total_scrap)}</dd></div>
      <div><dt>${t('worker.summary.from')}</dt><dd class="tabular">${moment(session.started_at)}</dd></div>
    </dl>
    ${graceExpiresAt && html`<p class="time-left">${t('worker.resume.left')} <${Clock} className="tabular" until=${Date.parse(graceExpiresAt)} onEnd=${look} /></p>`}
    ${isEnding.value ? html`<${Waiting} text=${t('worker.resume.abandoning')} />` : html`<div class="buttons stacked">
      <button type="button" class="primary big" onClick=${() => setResuming(false)}>${t('worker.resume.continue')}</button>
      <button type="button" class="secondary big" onClick=${abandon} aria-describedby="anew-hint">${t('worker.resume.anew')}</button>
      <p class="hint" id="anew-hint">${t('worker.resume.anew_hint')}</p>
    </div>`}
    <footer class="step-foot"><${Leave} /></footer>
  <//>`;
}
