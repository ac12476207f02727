// Addresses: each step has its own. Which one a person may be at is decided by what the server says (`rightPlace`), so
// that reload, the back button and a second tab lead to where the work is.
import { signal } from '../shared/html.js';

/** The path shown. */
export const path = signal(location.pathname);

/** Goes to a path; `replace`: the step before is over, and the back button does not lead there. */
export function go(to, { replace = false } = {}) {
  if (to === location.pathname) return;
  history[replace ? 'replaceState' : 'pushState'](null, '', to);
  path.value = to;
}

window.addEventListener('popstate', () => {
  path.value = location.pathname;
});

/** The station of `/job/<station>`, or the session of `/summary/<session>`. */
export const parameter = (at) => {
  try {
    return decodeURIComponent(at.split('/')[2] ?? '');
  } catch {
    // Half an escape: no address of ours.
    return '';
  }
};

const isUnder = (at, first) => at.startsWith(`/${first}/`) && parameter(at) !== '';

/**
 * Where a person belongs who is at `at`. `kind` is what the server says of the worker's session: `unknown`, `none`,
 * `pending` (before the start checklist), `working`.
 */
export function rightPlace(at, { worker, kind, resuming }) {
  if (!worker) return '/login';
  if (kind === 'unknown') return at;
  if (kind === 'none') return isUnder(at, 'job') || isUnder(at, 'summary') ? at : '/stations';
  if (resuming) return '/resume';
  if (kind === 'pending') return '/start';
  return at === '/end' ? '/end' : '/work';
}
