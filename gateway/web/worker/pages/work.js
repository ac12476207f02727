// Work: everything on one screen.
import { html, useEffect, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { go } from '../router.js';
import { setStatus } from '../session/act.js';
import { shownStatus } from '../session/shown.js';
import { where } from '../whereabouts.js';
import { Leave } from '../widgets/foot.js';
import { JobLine } from '../widgets/job_line.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { catalogError, loadCatalog, statusOf } from '../work/catalog.js';
import { DetailsSheet } from '../work/details_sheet.js';
import { KeypadSheet } from '../work/keypad_sheet.js';
import { Progress, Quantities } from '../work/quantities.js';
import { StatusButtons, StatusPanel } from '../work/status.js';

/** The step. */
export function WorkPage() {
  const { station } = where.value;
  const [sheet, setSheet] = useState(null);
  const close = () => setSheet(null);
  const load = () => loadCatalog(station.id);
  useEffect(() => void load(), [station.id]);
  const choose = (status) => {
    if (status.requires_reason && status.code !== shownStatus.value.status) setSheet({ status });
    else setStatus(status.code);
  };
  const details = () => setSheet({ status: statusOf(shownStatus.value.status), first: shownStatus.value });
  const say = (more) => {
    setStatus(sheet.status.code, more);
    close();
  };
  return html`<${Page} name="work" title=${t('worker.work.title')} quietTitle>
    <${StatusPanel} onDetails=${details} />
    ${catalogError.value && html`<${Problem} error=${catalogError.value} retry=${load} />`}
    <${StatusButtons} onChoose=${choose} />
    <${Quantities} onKeypad=${(kind) => setSheet({ kind })} />
    <section class="work-job" aria-label=${t('worker.work.job')}><${JobLine} /><${Progress} /></section>
    <div class="work-end"><button type="button" class="secondary big" onClick=${() => go('/end')}>${t('worker.work.finish')}</button><${Leave} className="quiet" /></div>
    ${sheet?.status && html`<${DetailsSheet} status=${sheet.status} first=${sheet.first} onDone=${say} onClose=${close} />`}
    ${sheet?.kind && html`<${KeypadSheet} kind=${sheet.kind} onClose=${close} />`}
  <//>`;
}
