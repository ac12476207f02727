// Good and scrap: plus and minus for one, the keypad for many, and the last change back.
import { html } from '../../shared/html.js';
import { number, signed, t } from '../../shared/i18n.js';
import { count, undo } from '../session/act.js';
import { shownTotals, undoable } from '../session/shown.js';
import { session, where } from '../whereabouts.js';
import { Icon } from '../widgets/icon.js';

/** Figures above this are written smaller. */
const LONG = 999_999;

/** Both counters; `onKeypad(kind)` opens the keypad. */
export function Quantities({ onKeypad }) {
  const totals = shownTotals.value;
  return html`<section class="quantities" aria-label=${t('worker.work.quantities')}>
    <${Counter} kind="good" total=${totals.good} waiting=${totals.goodWaiting} onKeypad=${onKeypad} />
    <${Counter} kind="scrap" total=${totals.scrap} waiting=${totals.scrapWaiting} onKeypad=${onKeypad} />
    <${Undo} />
  </section>`;
}

function Counter({ kind, total, waiting, onKeypad }) {
  const name = t(`worker.${kind}`);
  return html`<div class="counter counter-${kind}" role="group" aria-label=${name}>
    <button type="button" class="counter-step" aria-label=${t('worker.count.less', { kind: name })} disabled=${total === 0} onClick=${() => count(kind, -1)}><${Icon} name="minus" /></button>
    <button type="button" class="counter-total tabular" data-testid=${`total-${kind}`} data-total=${total} data-waiting=${waiting} onClick=${() => onKeypad(kind)}>
      <span class="counter-name">${name}</span>
      <span class="counter-number" data-long=${total > LONG ? 'yes' : undefined}>${number(total)}</span>
      <span class="visually-hidden">${t('worker.count.keypad')}</span>
      ${waiting !== 0 && html`<span class="counter-waiting"><${Icon} name="wait" />${signed(waiting)}</span>`}
    </button>
    <button type="button" class="counter-step" aria-label=${t('worker.count.more', { kind: name })} onClick=${() => count(kind, 1)}><${Icon} name="plus" /></button>
  </div>`;
}

function Undo() {
  const last = undoable.value.filter((one) => one.sessionId === session.value.id).at(-1);
  return html`<button type="button" class="undo secondary" disabled=${!last} onClick=${undo}><${Icon} name="undo" />
    ${last ? t('worker.undo', { what: `${signed(last.change)} ${t(`worker.${last.kind}`)}` }) : t('worker.undo.nothing')}</button>`;
}

/** The job: planned and done. */
export function Progress() {
  const { job } = where.value;
  const { good } = shownTotals.value;
  const planned = job.planned_quantity;
  if (!planned) return null;
  const share = Math.floor((good / planned) * 100);
  return html`<div class="progress">
    <progress max=${planned} value=${Math.min(good, planned)} aria-label=${t('worker.progress.label')}></progress>
    <p class="tabular">${t('worker.progress', { n: good, planned, share })}</p>
  </div>`;
}
