// Something asked of the server while a step is shown.
import { useEffect, useState } from '../../shared/html.js';
import { ApiError } from '../../shared/api.js';
import { loginEnded, workerId } from '../identity.js';

/** Asks when `deps` change; what was there stays until the answer comes. Returns `{data, error, loading, reload}`. */
export function useLoad(ask, deps) {
  const [state, setState] = useState({ data: null, error: null, loading: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const ending = new AbortController();
    setState((before) => ({ ...before, loading: true }));
    ask(ending.signal).then(
      (data) => ending.signal.aborted || setState({ data, error: null, loading: false }),
      (error) => {
        if (ending.signal.aborted) return;
        if (error instanceof ApiError && error.status === 401) loginEnded(workerId.peek());
        setState((before) => ({ ...before, error, loading: false }));
      },
    );
    return () => ending.abort();
  }, [...deps, round]);
  return { ...state, reload: () => setRound((before) => before + 1) };
}
