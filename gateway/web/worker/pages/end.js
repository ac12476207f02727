// The end: the totals once more, the end checklist where the station has one, and the session is completed. What was
// pressed before is sent before.
import { html, useState } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { refused, waiting } from '../queue/queue.js';
import { answer, complete, stay } from '../session/act.js';
import { isEnding, shownTotals } from '../session/shown.js';
import { go } from '../router.js';
import { session } from '../whereabouts.js';
import { Items, missing, responsesOf, useAnswers, useChecklist } from '../widgets/checklist.js';
import { Page } from '../widgets/page.js';
import { Loading, Problem, Waiting } from '../widgets/problem.js';
import { JobLine } from '../widgets/job_line.js';

/** The step. */
export function EndPage() {
  const { good, scrap } = shownTotals.value;
  return html`<${Page} name="end" title=${t('worker.end.title')}>
    <${JobLine} />
    <dl class="totals">
      <div><dt>${t('worker.good')}</dt><dd class="tabular">${number(good)}</dd></div>
      <div><dt>${t('worker.scrap')}</dt><dd class="tabular">${number(scrap)}</dd></div>
    </dl>
    ${session.value.end_checklist_completed ? html`<${Finish} />` : html`<${EndList} />`}
    <footer class="step-foot"><button type="button" class="secondary" disabled=${isEnding.value} onClick=${() => go('/work', { replace: true })}>${t('worker.end.back')}</button></footer>
  <//>`;
}

/** The commands of the end that wait, of this session. */
const endingIds = () => waiting.value.filter((one) => one.body.sessionId === session.value.id && (one.name === 'complete' || one.body.kind === 'end')).map((one) => one.id);

function Ending() {
  const canStay = waiting.value.every((one) => !endingIds().includes(one.id) || !one.sent);
  return html`<${Waiting} text=${t('worker.end.sending')} onBack=${canStay ? () => stay(endingIds()) : null} back=${t('worker.end.stay')} />`;
}

/** The list was answered before, or there is none. */
function Finish() {
  if (isEnding.value) return html`<${Ending} />`;
  return html`<button type="button" class="primary big" onClick=${complete}>${t('worker.end.finish')}</button>`;
}

function EndList() {
  const { items, error, reload } = useChecklist('end');
  const [answers, change] = useAnswers('end');
  const [asked, setAsked] = useState(false);
  if (!items) return error ? html`<${Problem} error=${error} retry=${reload} />` : html`<${Loading} />`;
  const left = missing(items, answers);
  const busy = isEnding.value;
  const isRefused = refused.value.some((one) => one.name === 'checklist' && one.body.sessionId === session.value.id);
  const submit = (event) => {
    event.preventDefault();
    setAsked(true);
    if (left === 0 && !busy) answer('end', responsesOf(items, answers));
  };
  return html`<form class="list" onSubmit=${submit} noValidate>
    ${isRefused && html`<${Problem} text=${t('worker.list.changed')} retry=${reload} />`}
    <${Items} items=${items} answers=${answers} onChange=${change} disabled=${busy} />
    <p class="message" role="status">${asked && left > 0 ? t('worker.list.left', { n: left }) : ''}</p>
    ${busy ? html`<${Ending} />` : html`<button type="submit" class="primary big">${t('worker.end.finish')}</button>`}
  </form>`;
}
