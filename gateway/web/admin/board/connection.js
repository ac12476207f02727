// The feed of these pages: what it tells goes to the board's store; how fresh that is, is told to people.
import { html, signal, useEffect } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { connectFeed } from '../../shared/feed.js';
import { account, isSignedIn, loginEnded, renew } from '../account.js';
import { timeOfDay } from '../widgets/moments.js';
import { change, clear, filled, replaceAll, seen } from './store.js';

/** The feed that is connected; null when nobody is signed in. */
const feed = signal(null);

const STATE_WORDS = new Set(['connecting', 'live', 'catching_up', 'stale', 'offline']);

/** Connects as long as somebody is signed in. Whoever signs in again goes on where the board was. */
export function useFeed() {
  const signedIn = isSignedIn.value;
  const name = account.value?.name;
  useEffect(() => {
    if (!signedIn) return undefined;
    const connected = connectFeed({
      path: '/api/admin/feed',
      on: { snapshot: replaceAll, delta: change, seen, auth: renew, ended: loginEnded },
    });
    feed.value = connected;
    return () => {
      connected.close();
      feed.value = null;
    };
  }, [signedIn, name]);
  useEffect(() => clear, [name]);
}

const stateNow = () => feed.value?.state.value ?? 'offline';
const sinceNow = () => (feed.value?.since.value ? timeOfDay(feed.value.since.value, true) : '');

/** Whether what is shown may be old. */
export const isOld = () => ['stale', 'offline'].includes(stateNow());

/** A word and a sign, in the head of every page. */
export function ConnectionState() {
  const state = stateNow();
  const word = STATE_WORDS.has(state) ? state : 'connecting';
  return html`<span class="connection" role="status" data-testid="connection" data-state=${word}><span class="connection-dot" aria-hidden="true"></span>${t(`admin.connection.${word}`, { time: sinceNow() })}</span>`;
}

/** What an old picture means, over the board. */
export function ConnectionBanner() {
  const state = stateNow();
  if (!feed.value || !isOld()) return null;
  const text = state === 'stale' ? 'banner_stale' : filled.value ? 'banner_offline' : 'banner_never';
  return html`<div class="banner"><p>${t(`admin.connection.${text}`, { time: sinceNow() })}</p>
    ${state === 'offline' && html`<button type="button" class="secondary" onClick=${() => feed.value?.retryNow()}>${t('admin.connection.now')}</button>`}</div>`;
}
