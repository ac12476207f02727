// The frame of a page: its title, what can be done on it, and its content. A page that is gone to takes the focus to its
// title, as a page that is loaded would.
import { html, useEffect, useRef } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';

let shownBefore = false;

/** `heard`: the title as text for the window, when it is more than text on the page. */
export function Page({ title, heard, back, actions, children, ...rest }) {
  const heading = useRef(null);
  useEffect(() => {
    if (shownBefore) heading.current?.focus({ preventScroll: true });
    shownBefore = true;
  }, []);
  const text = heard ?? (typeof title === 'string' ? title : t('admin.app'));
  useEffect(() => {
    document.title = `${text} – ${t('admin.app')}`;
  }, [text]);
  return html`<main id="main" class=${`page ${rest.class ?? ''}`}>
    ${back && html`<p class="back"><a href=${back.href}>${back.text}</a></p>`}
    <div class="page-head"><h1 tabindex="-1" ref=${heading}>${title}</h1>${actions && html`<div class="page-actions">
      ${actions}</div>`}</div>
    ${children}
  </main>`;
}
