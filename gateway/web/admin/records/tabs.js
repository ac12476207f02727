// The parts of the directory.
import { html } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { mayAdminister } from '../account.js';
import { Links } from '../widgets/links.js';

const PARTS = ['workers', 'stations', 'assignments', 'jobs', 'reasons', 'statuses'];

/** Links to the parts; import and export for whoever may. */
export function DirectoryTabs({ current }) {
  const links = PARTS.map((name) => [name, `/admin/directory/${name}`, t(`admin.kind.${name}`)]);
  if (mayAdminister.value) links.push(['factory', '/admin/factory', t('admin.nav.factory')]);
  return html`<${Links} css="tabs" label=${t('admin.nav.directory')} links=${links} current=${current} />`;
}
