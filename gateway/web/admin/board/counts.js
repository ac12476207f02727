// The figures on top of the board. What was made today is what open sessions have, and what closed ones had.
import { html, signal, useEffect } from '../../shared/html.js';
import { number, t } from '../../shared/i18n.js';
import { get } from '../../shared/api.js';
import { isSignedIn } from '../account.js';
import { serverNow } from '../../shared/time.js';
import { Icon } from '../widgets/icon.js';
import { isLive } from './connection.js';
import { counts, filled, gone } from './store.js';

/** Closed sessions are summed again after this time, and a moment after one has closed. */
const SUM_EVERY_MS = 60_000;
const SUM_AFTER_CLOSE_MS = 1_500;

/** What was made today but stands in no open session: `{good, scrap}`; null when nobody can say. */
const closedToday = signal(null);

function midnight() {
  const day = new Date(serverNow());
  day.setHours(0, 0, 0, 0);
  return day.toISOString();
}

async function sum() {
  if (!isSignedIn.peek()) return;
  try {
    const told = await get(`/api/admin/summary?from=${encodeURIComponent(midnight())}`);
    // Sessions that close after this answer are added by themselves until the next; what open ones had made before
    // midnight is not of today.
    closedToday.value = { good: told.good - told.carried_good - gone.good, scrap: told.scrap - told.carried_scrap - gone.scrap };
  } catch {
    // The figure says by itself that it is not known.
    closedToday.value = null;
  }
}

/** Keeps the sum of closed sessions fresh while the board is shown. */
function useClosedToday() {
  const signedIn = isSignedIn.value;
  const live = isLive();
  useEffect(() => {
    sum();
    const timer = setInterval(sum, SUM_EVERY_MS);
    let soon = 0;
    let open = counts.peek().active;
    const unsubscribe = counts.subscribe(({ active }) => {
      if (active < open) {
        clearTimeout(soon);
        soon = setTimeout(sum, SUM_AFTER_CLOSE_MS);
      }
      open = active;
    });
    return () => {
      clearInterval(timer);
      clearTimeout(soon);
      unsubscribe();
    };
  }, [signedIn, live]);
}

/** The figures. */
export function Counts() {
  useClosedToday();
  const now = counts.value;
  const known = filled.value;
  const figure = (value) => (known ? number(value) : '–');
  const today = (name) => (known && closedToday.value ? number(Math.max(0, closedToday.value[name] + gone[name] + now[name])) : '–');
  return html`<dl class="counts" aria-label=${t('admin.counts.label')}>
      <${Figure} id="active" name=${t('admin.counts.active')} value=${figure(now.active)} />
      <${Figure} id="production" icon="production" name=${t('admin.counts.production')} value=${figure(now.production)} />
      <${Figure} id="setup" icon="setup" name=${t('admin.counts.setup')} value=${figure(now.setup + now.preparing)} />
      <${Figure} id="stopped" icon="stoppage" name=${t('admin.counts.stopped')} value=${figure(now.stoppage)} />
      <${Figure} id="good" name=${t('admin.counts.good_today')} value=${today('good')} />
      <${Figure} id="scrap" name=${t('admin.counts.scrap_today')} value=${today('scrap')} />
    </dl>
    ${known && !closedToday.value && html`<p class="hint counts-hint">${t('admin.counts.today_unknown')}</p>`}`;
}

function Figure({ id, icon, name, value }) {
  return html`<div class="figure" data-figure=${id}><dt>${icon && html`<${Icon} name=${icon} />`}${name}</dt>
    <dd data-testid=${`count-${id}`}>${value}</dd></div>`;
}
