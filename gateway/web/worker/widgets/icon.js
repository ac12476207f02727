// Shapes: each machine class has its own, so that nothing is told by colour alone.
import { html } from '../../shared/html.js';

const PATHS = {
  production: 'M7 4.5v15l12.5-7.5z',
  setup: 'M12 2.5 21.5 12 12 21.5 2.5 12z',
  stoppage: 'M5 5h14v14H5z',
  check: 'M9.2 18.6 3 12.4l2-2 4.2 4.2L19 4.8l2 2z',
  plus: 'M10.5 4h3v6.5H20v3h-6.5V20h-3v-6.5H4v-3h6.5z',
  minus: 'M4 10.5h16v3H4z',
  erase: 'M8 5h13v14H8l-6-7zm3.6 3.2-1.4 1.4 2.4 2.4-2.4 2.4 1.4 1.4 2.4-2.4 2.4 2.4 1.4-1.4-2.4-2.4 2.4-2.4-1.4-1.4-2.4 2.4z',
  undo: 'M9 5 3 11l6 6v-4h5a3.5 3.5 0 0 1 0 7h-3v2.5h3a6 6 0 0 0 0-12H9z',
  pen: 'm4 16.5 11-11 3.5 3.5-11 11H4zM16.4 4.1l1.6-1.6 3.5 3.5-1.6 1.6z',
  wait: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1.3 4.5h2.6v5l3.8 2.3-1.3 2.1-5.1-3.1z',
  warning: 'M12 2.5 23 21.5H1zm-1.2 7v6h2.4v-6zm0 7.5v2.4h2.4V17z',
  people: 'M8 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8zm8.5 1a3.3 3.3 0 1 1 0 6.6 3.3 3.3 0 0 1 0-6.6zM8 13.5c4 0 7 2 7 4.8V20H1v-1.7c0-2.8 3-4.8 7-4.8zm8.5 0c3.4 0 6.5 1.5 6.5 4V20h-6v-1.7c0-1.8-.9-3.4-2.4-4.5.6-.2 1.2-.3 1.9-.3z',
  away: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm0 2.6a7.4 7.4 0 0 1 4.5 1.5L6.1 16.5A7.4 7.4 0 0 1 12 4.6zm5.9 2.9A7.4 7.4 0 0 1 7.5 17.9z',
};

/** A shape; it stands beside words and says nothing to those who hear. */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path fill-rule="evenodd" d=${PATHS[name]} /></svg>`;
}
