// The start checklist: the session is open, and work begins when it is answered.
import { html, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { refused } from '../queue/queue.js';
import { abandon, answer } from '../session/act.js';
import { isAnswered, isEnding } from '../session/shown.js';
import { where } from '../whereabouts.js';
import { Items, missing, responsesOf, useAnswers, useChecklist } from '../widgets/checklist.js';
import { Page } from '../widgets/page.js';
import { Loading, Problem, Waiting } from '../widgets/problem.js';
import { JobLine } from '../widgets/job_line.js';

/** The step. */
export function StartPage() {
  const { items, error, reload } = useChecklist('start');
  const [answers, change] = useAnswers('start');
  const [asked, setAsked] = useState(false);
  const left = items ? missing(items, answers) : 0;
  const busy = isAnswered('start') || isEnding.value;
  const refusal = refused.value.find((one) => one.name === 'checklist' && one.body.sessionId === where.value.session.id);
  const submit = (event) => {
    event.preventDefault();
    setAsked(true);
    if (left === 0 && !busy) answer('start', responsesOf(items, answers));
  };
  return html`<${Page} name="start" title=${t('worker.start.title')}>
    <${JobLine} />
    ${error && !items && html`<${Problem} error=${error} retry=${reload} />`}
    ${!items && !error && html`<${Loading} />`}
    ${refusal && html`<${Problem} text=${t('worker.list.changed')} retry=${reload} />`}
    ${items && html`<form class="list" onSubmit=${submit} noValidate>
      ${items.length === 0 && html`<p>${t('worker.start.nothing')}</p>`}
      <${Items} items=${items} answers=${answers} onChange=${change} disabled=${busy} />
      <p class="message" role="status">${asked && left > 0 ? t('worker.list.left', { n: left }) : ''}</p>
      ${busy ? html`<${Waiting} text=${t('worker.start.sending')} />` : html`<button type="submit" class="primary big">${t('worker.start.begin')}</button>`}
    </form>`}
    <footer class="step-foot"><button type="button" class="secondary" disabled=${isEnding.value} onClick=${abandon}>${t('worker.start.leave')}</button></footer>
  <//>`;
}
