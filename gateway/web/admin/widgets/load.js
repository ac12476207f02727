// Something that is asked of the server while a part of a page is shown.
import { html, useEffect, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { withLogin } from '../login_needed.js';
import { isSignedIn } from '../account.js';
import { isLive } from '../board/connection.js';

/** Asks when `deps` change; what was there stays until the answer comes. Returns `{data, error, loading, reload}`. */
export function useLoad(ask, deps) {
  const [state, setState] = useState({ data: null, error: null, loading: true });
  const [round, setRound] = useState(0);
  // Whoever signs in again wants what was refused.
  const who = isSignedIn.value;
  useEffect(() => {
    if (!who) return undefined;
    const ending = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    withLogin(() => ask(ending.signal)).then(
      (data) => !ending.signal.aborted && setState({ data, error: null, loading: false }),
      (error) => !ending.signal.aborted && setState((before) => ({ ...before, error, loading: false })),
    );
    return () => ending.abort();
  }, [...deps, round, who]);
  const reload = () => setRound((before) => before + 1);
  // The server is there again: what failed is asked again, without anybody pressing.
  const live = isLive();
  useEffect(() => {
    if (live && state.error) reload();
  }, [live]);
  return { ...state, reload };
}

/** Says that something is on its way. */
export function Loading() {
  return html`<p class="loading" role="status">${t('admin.loading')}</p>`;
}
