// One timer for every clock on a page: once a second each writes its own text, and nothing is rendered anew.
import { serverNow } from '../../shared/time.js';

const SECOND_MS = 1_000;
const hands = new Set();
let timer = 0;

/** Calls `tick(nowMs)` every second, at the server's full seconds, until the returned function is called. */
export function eachSecond(tick) {
  hands.add(tick);
  tick(serverNow());
  if (hands.size === 1) plan();
  return () => {
    hands.delete(tick);
    if (hands.size === 0) clearTimeout(timer);
  };
}

function plan() {
  timer = setTimeout(beat, SECOND_MS - (serverNow() % SECOND_MS));
}

function beat() {
  const now = serverNow();
  for (const tick of hands) tick(now);
  plan();
}
