// The supervisor's pages: which one an address shows, to whom.
import { html, render } from '../shared/html.js';
import { t } from '../shared/i18n.js';
import './i18n.js';
import { account, endedFor, mayAdminister, start, startProblem } from './account.js';
import { AccountsPage } from './accounts/page.js';
import { AuditPage } from './accounts/audit.js';
import { TabletsPage } from './accounts/tablets.js';
import { useFeed } from './board/connection.js';
import { BoardPage } from './board/page.js';
import { FactoryPage } from './factory/page.js';
import { HistoryPage } from './history/page.js';
import { AssignmentsPage } from './records/assignments.js';
import { EditorPage } from './records/editor.js';
import { KINDS } from './records/kinds.js';
import { ListPage } from './records/list.js';
import { place, startRouter } from './router.js';
import { SessionPage } from './session/page.js';
import { Shell } from './shell.js';
import { SignInAgain, SignInPage } from './signin.js';
import { Confirmation } from './widgets/confirm.js';
import { Loading } from './widgets/load.js';
import { Page } from './widgets/page.js';
import { Problem } from './widgets/problem.js';

const NEW = 'new';
/** Pages by the first part of their address; those behind `admins` are for admins of the whole factory. */
const PAGES = {
  '': () => html`<${BoardPage} />`,
  sessions: ([id]) => id && html`<${SessionPage} key=${id} id=${id} />`,
  history: () => html`<${HistoryPage} />`,
  directory: directoryPage,
  factory: () => admins(html`<${FactoryPage} />`),
  accounts: () => admins(html`<${AccountsPage} />`),
  tablets: () => admins(html`<${TabletsPage} />`),
  audit: () => admins(html`<${AuditPage} />`),
};

function directoryPage([kind = 'workers', id]) {
  if (kind === 'assignments') return html`<${AssignmentsPage} />`;
  if (!Object.hasOwn(KINDS, kind)) return null;
  if (id === undefined) return html`<${ListPage} key=${kind} name=${kind} />`;
  const page = html`<${EditorPage} key=${`${kind} ${id}`} name=${kind} id=${id === NEW ? null : id} />`;
  return id === NEW ? admins(page) : page;
}

const admins = (page) => (mayAdminister.value ? page : html`<${Page} title=${t('admin.only_admins')}>
  <p>${t('admin.only_admins_text')}</p><a class="button secondary" href="/admin">${t('admin.to_board')}</a><//>`);

function partsOf(path) {
  try {
    return path.split('/').slice(2).map(decodeURIComponent);
  } catch {
    // Half an escape: no address of ours.
    return [path];
  }
}

function currentPage() {
  const [first = '', ...rest] = partsOf(place.value.path);
  const page = Object.hasOwn(PAGES, first) ? PAGES[first](rest) : null;
  return page || html`<${Page} title=${t('admin.not_here')}><p>${t('admin.not_here_text')}</p>
    <a class="button secondary" href="/admin">${t('admin.to_board')}</a><//>`;
}

function App() {
  useFeed();
  if (startProblem.value) return html`<${Shell}><${Page} title=${t('admin.app')}>
    <${Problem} error=${startProblem.value} retry=${start} /><//><//>`;
  if (account.value === undefined) return html`<${Shell}><main id="main" class="page"><${Loading} /></main><//>`;
  // Whoever was signed in keeps the page, and what was typed on it.
  if (account.value === null) return html`<${Shell}><${SignInPage} /><//>`;
  const isWall = place.value.path === '/admin' && place.value.query.get('wall') === '1';
  return html`${isWall ? currentPage() : html`<${Shell}>${currentPage()}<//>`}
    ${endedFor.value !== null && html`<${SignInAgain} />`}
    <${Confirmation} />`;
}

startRouter();
start();
render(html`<${App} />`, document.getElementById('app'));
