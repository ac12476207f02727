// The frame of a step: its title, which takes the focus when a person gets there, and its content.
import { html, useEffect, useRef } from '../../shared/html.js';
import { lang } from '../../shared/i18n.js';

/** A page. `takesFocus`: false where something on it is better focused than the title. */
export function Page({ title, name, children, takesFocus = true, quietTitle = false }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} – Andon`;
  }, [title, lang.value]);
  useEffect(() => {
    window.scrollTo(0, 0);
    if (takesFocus) heading.current?.focus({ preventScroll: true });
  }, []);
  return html`<main id="main" class=${`page page-${name}`}>
    <h1 ref=${heading} tabindex="-1" class=${quietTitle ? 'visually-hidden' : undefined}>${title}</h1>
    ${children}
  </main>`;
}
