// A row of links that scrolls where it does not fit: the one of the page shown is brought into sight.
import { html, useEffect, useRef } from '../../shared/html.js';

/** `links`: [name, address, text]; `current`: the name of the page shown. */
export function Links({ css, label, links, current }) {
  const row = useRef(null);
  useEffect(() => {
    row.current.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  return html`<nav class=${css} aria-label=${label} ref=${row}>${links.map(([name, href, text]) => html`<a key=${name} href=${href}
    aria-current=${name === current ? 'page' : undefined}>${text}</a>`)}</nav>`;
}
