// Only one tab sends a worker's commands: by the browser's locks, or, on plain http where there are none, by a lease.
// A lease that two tabs believe in does no harm: every command has its id, and the server does it once.
import { uuid } from '../../shared/ids.js';
import { exchange } from './db.js';

/** Longer than a request may take: who is at work renews before each. */
const LEASE_MS = 20_000;
const TAB = uuid();

/** Does `work(stillMine)` if no other tab is at it; false when one is. `stillMine()` is asked before each command. */
export async function alone(name, work) {
  if (navigator.locks) {
    return navigator.locks.request(`andon.${name}`, { ifAvailable: true }, async (lock) => {
      if (!lock) return false;
      await work(async () => true);
      return true;
    });
  }
  if (!(await lease(name))) return false;
  try {
    await work(() => lease(name));
  } finally {
    await exchange('leases', name, (held) => (held?.tab === TAB ? { name, tab: '', until: 0 } : null));
  }
  return true;
}

async function lease(name) {
  const now = Date.now();
  const taken = await exchange('leases', name, (held) => {
    // A lease that ends later than any can was written by a clock that has been set back since.
    const isFree = !held || held.tab === TAB || held.until < now || held.until > now + LEASE_MS;
    return isFree ? { name, tab: TAB, until: now + LEASE_MS } : null;
  });
  return taken !== null;
}
