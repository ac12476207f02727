// The whole factory as a file: out, and in again.
import { html, useRef, useState } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { KINDS, reload } from '../directory.js';
import { withLogin } from '../login_needed.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { DirectoryTabs } from '../records/tabs.js';
import { sendFile } from './send.js';

/** What the gateway takes. */
const FILE_MAX_BYTES = 8 * 1_024 * 1_024;

/** The page. */
export function FactoryPage() {
  return html`<${Page} title=${t('admin.nav.factory')}>
    <${DirectoryTabs} current="factory" />
    <section class="panel" aria-labelledby="factory-export"><h2 id="factory-export">${t('admin.factory.export')}</h2>
      <p>${t('admin.factory.export_text')}</p>
      <a class="button secondary" href="/api/admin/directory/export" download="factory.toml">${t('admin.factory.download')}</a>
        </section>
    <section class="panel" aria-labelledby="factory-import"><h2 id="factory-import">${t('admin.factory.import')}</h2><${Import} />
      </section>
  <//>`;
}

function Import() {
  const input = useRef(null);
  const [file, setFile] = useState(null);
  const [state, setState] = useState({ busy: false, error: null, report: null });
  const tooLarge = file && file.size > FILE_MAX_BYTES;
  const send = async (event) => {
    event.preventDefault();
    setState({ busy: true, error: null, report: null });
    try {
      const report = await withLogin(() => sendFile('/api/admin/directory/import', file));
      setState({ busy: false, error: null, report });
      KINDS.forEach(reload);
    } catch (error) {
      setState({ busy: false, error, report: null });
    }
  };
  const choose = (event) => {
    setFile(event.currentTarget.files[0] ?? null);
    setState({ busy: false, error: null, report: null });
  };
  return html`<form onSubmit=${send}>
    <p>${t('admin.factory.import_text')}</p>
    <div class="field"><label for="factory-file">${t('admin.factory.file')}</label>
      <input id="factory-file" ref=${input} type="file" accept=".toml,application/toml" required onChange=${choose} /></div>
    ${tooLarge && html`<p class="problem" role="alert">${t('admin.problem.TOO_LARGE')}</p>`}
    <button type="submit" class="primary" disabled=${!file || tooLarge || state.busy}>
      ${state.busy ? t('admin.factory.importing') : t('admin.factory.do_import')}</button>
    <${Outcome} state=${state} />
  </form>`;
}

function Outcome({ state: { error, report } }) {
  const rows = error?.details?.rows;
  if (report) return html`<p class="success" role="status">
    ${t('admin.factory.done', { changed: number(report.changed), unchanged: number(report.unchanged) })}</p>`;
  if (rows) return html`<div class="problem" role="alert"><p><strong>
    ${t('admin.factory.bad_rows', { n: number(rows.length) })}</strong></p>
    <div class="table-scroll" tabindex="0" role="region" aria-label=${t('admin.factory.problem')}><table class="table"><thead><tr>
      <th scope="col">${t('admin.factory.line')}</th><th scope="col">${t('admin.factory.problem')}</th></tr></thead>
    <tbody>${rows.map((row, index) => html`<tr key=${index}><td class="tabular">${number(row.line)}</td>
      <td dir="auto">${row.problem}</td></tr>`)}</tbody></table></div></div>`;
  return error && html`<${Problem} error=${error} />`;
}
