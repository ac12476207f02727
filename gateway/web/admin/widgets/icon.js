// Shapes: each machine class and each flag has its own, so that nothing is told by colour alone.
import { html } from '../../shared/html.js';

const PATHS = {
  production: 'M7 4.5v15l12-7.5z',
  setup: 'M12 3 21 12 12 21 3 12z',
  stoppage: 'M5 5h14v14H5z',
  preparing: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zm0 3a5 5 0 1 1 0 10 5 5 0 0 1 0-10z',
  free: 'M4 11h16v2H4z',
  warning: 'M12 2.5 23 21.5H1zm-1.2 7v6h2.4v-6zm0 7.5v2.4h2.4V17z',
  silent: 'M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20zm-1.2 4.5h2.4v6l4.3 2.5-1.2 2-5.5-3.2z',
  up: 'M12 6 20 16H4z',
  down: 'M4 8h16l-8 10z',
  grip: 'M8 5h3v3H8zm5 0h3v3h-3zm-5 5.5h3v3H8zm5 0h3v3h-3zM8 16h3v3H8zm5 0h3v3h-3z',
};

/** A shape; it is beside its words and says nothing to those who hear. */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <path fill-rule="evenodd" d=${PATHS[name]} /></svg>`;
}
