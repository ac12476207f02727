// A session was ended by somebody else: which one, when, why, and where to go on.
import { html } from '../../shared/html.js';
import { has, number, t } from '../../shared/i18n.js';
import { moment } from '../../shared/time.js';
import { setResuming } from '../identity.js';
import { acknowledge, notice } from '../whereabouts.js';
import { Page } from '../widgets/page.js';
import { JobLine } from '../widgets/job_line.js';
import { Icon } from '../widgets/icon.js';

/** How a session ended, as a sentence. */
export function why({ cause, at, effectiveEnd }) {
  const key = `worker.closed.${cause}`;
  const values = { time: at ? moment(at) : '', until: effectiveEnd ? moment(effectiveEnd) : '' };
  return has(key) && at ? t(key, values) : t('worker.closed.unknown');
}

/** The step; it stands at every address until the person has read it. */
export function ClosedPage() {
  const told = notice.value;
  const goOn = () => {
    if (told.next) setResuming(false);
    acknowledge();
  };
  return html`<${Page} name="closed" title=${t('worker.closed.title')}>
    <div class="closed" role="alert" data-cause=${told.cause ?? 'unknown'}><${Icon} name="warning" /><p>${why(told)}</p></div>
    <${JobLine} at=${told} />
    ${told.session && html`<dl class="totals">
      <div><dt>${t('worker.good')}</dt><dd class="tabular">${number(told.session.total_good)}</dd></div>
      <div><dt>${t('worker.scrap')}</dt><dd class="tabular">${number(told.session.total_scrap)}</dd></div>
    </dl>`}
    <div class="buttons"><button type="button" class="primary big" onClick=${goOn}>${told.next ? t('worker.closed.to_new') : t('worker.closed.to_stations')}</button></div>
  <//>`;
}
