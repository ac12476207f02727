// Clocks: each writes its own text once a second, and nothing else is drawn anew.
import { html, useEffect, useRef } from '../../shared/html.js';
import { clock, serverNow } from '../../shared/time.js';

const SECOND_MS = 1_000;

/** Calls `tick` now and every second until the returned function is called. */
export function eachSecond(tick) {
  tick();
  const timer = setInterval(tick, SECOND_MS);
  return () => clearInterval(timer);
}

/** A running clock since `since`, or down to `until` (milliseconds of the server); `onEnd` when that is reached. */
export function Clock({ since, until, onEnd, className = 'clock' }) {
  const node = useRef(null);
  useEffect(() => {
    // A clock may be over when it is drawn for the first time.
    let over = false;
    return eachSecond(() => {
      // Effects run after the page was painted: the clock may have been taken away again since.
      if (over || !node.current) return;
      const ms = since === undefined ? until - serverNow() + SECOND_MS - 1 : serverNow() - since;
      const text = clock(ms);
      if (node.current.textContent !== text) node.current.textContent = text;
      if (until !== undefined && serverNow() >= until && onEnd) {
        over = true;
        onEnd();
      }
    });
  }, [since, until]);
  return html`<span class=${className} role="timer" aria-live="off" ref=${node}></span>`;
}
