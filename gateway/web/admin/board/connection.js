// The feed of these pages: what it tells goes to the board's store; how fresh that is, is told to people.
import { html, signal, useEffect } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { get } from '../../shared/api.js';
import { openFeed } from '../../shared/feed.js';
import { account, isSignedIn, loginEnded, renew } from '../account.js';
import { timeOfDay } from '../widgets/moments.js';
import { change, clear, filled, replaceAll, seen } from './store.js';

/** The feed that is open; null when nobody is signed in. */
const feed = signal(null);
/** Ends of a feed that signing in again mends. */
const SIGN_IN_CODES = [4001, 4003];

/** Connects as long as somebody is signed in. */
export function useFeed() {
  const signedIn = isSignedIn.value;
  const name = account.value?.name;
  useEffect(() => {
    if (!signedIn) return undefined;
    const opened = openFeed({
      path: '/api/admin/feed',
      probe: () => get('/api/admin/me'),
      on: { snapshot: replaceAll, delta: change, seen, auth: renew },
    });
    feed.value = opened;
    const unsubscribe = opened.state.subscribe(({ kind, code }) => {
      if (kind === 'ended' && SIGN_IN_CODES.includes(code)) loginEnded();
    });
    return () => {
      unsubscribe();
      opened.close();
      feed.value = null;
    };
  }, [signedIn, name]);
  // Somebody else signs in: nothing of the one before is left on the board.
  useEffect(() => clear, [name]);
}

const stateNow = () => feed.value?.state.value ?? { kind: isSignedIn.value ? 'connecting' : 'ended', since: null };
const sinceOf = ({ since }) => (since ? timeOfDay(since, true) : '');

/** Whether the server tells what happens, as it happens. */
export const isLive = () => stateNow().kind === 'live';

/** Whether what is shown may be old. */
export const isOld = () => ['stale', 'lost', 'ended'].includes(stateNow().kind);

/** A word and a sign, in the head of every page. */
export function ConnectionState() {
  const state = stateNow();
  return html`<span class="connection" role="status" data-testid="connection" data-state=${state.kind}>
    <span class="connection-dot" aria-hidden="true"></span><span>
    ${t(`admin.connection.${state.kind}`, { time: sinceOf(state) })}</span></span>`;
}

function bannerOf({ kind }) {
  if (kind === 'stale' || kind === 'ended') return kind;
  return filled.value ? 'lost' : 'never';
}

/** What an old picture means, over the board. */
export function ConnectionBanner() {
  const state = stateNow();
  const never = state.kind === 'connecting' && state.retryAt;
  if (!feed.value || (!isOld() && !never)) return null;
  return html`<div class="banner" role="alert"><p>${t(`admin.connection.banner_${bannerOf(state)}`, { time: sinceOf(state) })}</p>
    ${state.kind === 'ended' ? html`<button type="button" class="secondary" onClick=${() => location.reload()}>
      ${t('admin.connection.reload')}</button>`
      : state.kind !== 'stale' && html`<button type="button" class="secondary" onClick=${() => feed.value?.again()}>
        ${t('admin.connection.again')}</button>`}</div>`;
}
