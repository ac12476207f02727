// The parts of the directory.
import { html } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { mayAdminister } from '../account.js';

const PARTS = ['workers', 'stations', 'assignments', 'jobs', 'reasons', 'statuses'];

/** Links to the parts; import and export for whoever may. */
export function DirectoryTabs({ current }) {
  const link = (name, href, text) => html`<a key=${name} href=${href} aria-current=${current === name ? 'page' : undefined}>
    ${text}</a>`;
  return html`<nav class="tabs" aria-label=${t('admin.nav.directory')}>
    ${PARTS.map((name) => link(name, `/admin/directory/${name}`, t(`admin.kind.${name}`)))}
    ${mayAdminister.value && link('factory', '/admin/factory', t('admin.nav.factory'))}
  </nav>`;
}
