// What is around every page: where one can go, the state of the connection, the language, and who is signed in.
import { html, useState } from '../shared/html.js';
import { LANGUAGES, lang, setLang, t } from '../shared/i18n.js';
import { account, mayAdminister, signOut } from './account.js';
import { ConnectionState } from './board/connection.js';
import { place } from './router.js';
import { Links } from './widgets/links.js';
import { Problem } from './widgets/problem.js';

/** Pages, the beginning of their addresses, and whether they are for admins alone. */
const LINKS = [
  ['board', '/admin', false],
  ['history', '/admin/history', false],
  ['directory', '/admin/directory/workers', false],
  ['accounts', '/admin/accounts', true],
  ['tablets', '/admin/tablets', true],
  ['audit', '/admin/audit', true],
];

function partOf(path) {
  if (path.startsWith('/admin/directory') || path === '/admin/factory') return 'directory';
  if (path.startsWith('/admin/sessions')) return 'history';
  return LINKS.find(([, href]) => href === path)?.[0];
}

/** The head of the page. */
export function Shell({ children }) {
  return html`<a class="skip-link" href="#main">${t('admin.skip')}</a>
    <header class="top">
      <a class="brand" href="/admin"><span class="brand-mark" aria-hidden="true"></span>Andon</a>
      ${account.value && html`<${Navigation} />`}
      <div class="top-end">${account.value && html`<${ConnectionState} />`}<${LanguageChoice} />
        ${account.value && html`<${Me} />`}</div>
    </header>
    ${children}`;
}

function Navigation() {
  const shown = LINKS.filter(([, , admin]) => !admin || mayAdminister.value);
  const links = shown.map(([name, href]) => [name, href, t(`admin.nav.${name}`)]);
  return html`<${Links} css="main-nav" label=${t('admin.nav.label')} links=${links} current=${partOf(place.value.path)} />`;
}

function LanguageChoice() {
  return html`<select class="language" aria-label=${t('language')} value=${lang.value}
    onChange=${(event) => setLang(event.currentTarget.value)}>
    ${Object.entries(LANGUAGES).map(([code, { name }]) => html`<option key=${code} value=${code} lang=${code}>
      ${name}</option>`)}</select>`;
}

function Me() {
  const [error, setError] = useState(null);
  const { name, role, stations } = account.value;
  const leave = () => signOut().catch(setError);
  const close = (event) => event.currentTarget.removeAttribute('open');
  const onFocusOut = (event) => !event.currentTarget.contains(event.relatedTarget) && close(event);
  const onKeyDown = (event) => event.key === 'Escape' && close(event);
  return html`<details class="me" onFocusOut=${onFocusOut} onKeyDown=${onKeyDown}><summary aria-label=${t('admin.me.label', { name })}><bdi>${name}</bdi></summary>
    <div class="me-menu"><p><bdi>${name}</bdi><br /><span class="hint">
      ${t(`admin.role.${role}`)}${stations ? ` · ${t('admin.me.limited', { n: stations.length })}` : ''}</span></p>
      ${error && html`<${Problem} error=${error} />`}
      <button type="button" class="secondary" onClick=${leave}>${t('admin.me.sign_out')}</button></div></details>`;
}
