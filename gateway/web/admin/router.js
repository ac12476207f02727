// Where the person is: the address, its parameters, and going elsewhere without a reload.
import { signal } from '../shared/html.js';

const HOME = '/admin';

/** The address as it is now: `path` without a trailing slash, `query` as parameters. */
export const place = signal(read());

/** Asked before a page is left; null when nothing would be lost. @type {null | (() => Promise<boolean>)} */
let mayLeave = null;
let here = location.href;

function read() {
  return { path: location.pathname.replace(/\/+$/, '') || HOME, query: new URLSearchParams(location.search) };
}

function arrive() {
  here = location.href;
  place.value = read();
}

/** Asks `ask` before this page is left, until the returned function is called. */
export function guardLeaving(ask) {
  mayLeave = ask;
  return () => {
    if (mayLeave === ask) mayLeave = null;
  };
}

/** Goes to an address of these pages; stays when the person wants to keep what they have typed. `force`: it is saved. */
export async function go(url, { replace = false, force = false } = {}) {
  if (!force && mayLeave && !(await mayLeave())) return false;
  mayLeave = null;
  history[replace ? 'replaceState' : 'pushState'](null, '', url);
  arrive();
  window.scrollTo(0, 0);
  return true;
}

/** Changes parameters of this page's address in place; empty values are taken out. */
export function setQuery(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    query.delete(name);
    for (const one of [value].flat()) if (one) query.append(name, one);
  }
  const text = query.toString();
  history.replaceState(null, '', location.pathname + (text ? `?${text}` : ''));
  arrive();
}

function onPop() {
  if (!mayLeave) {
    arrive();
    return;
  }
  // The browser has moved already: move back, and ask.
  const target = location.href;
  history.pushState(null, '', here);
  go(target);
}

function onClick(event) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const link = event.target.closest?.('a[href]');
  if (!plain || event.defaultPrevented || !link || link.target || link.hasAttribute('download')) return;
  const url = new URL(link.href);
  const ours = url.pathname === HOME || url.pathname.startsWith(`${HOME}/`);
  if (url.origin !== location.origin || !ours || (url.hash && url.pathname === location.pathname)) return;
  event.preventDefault();
  go(url.pathname + url.search);
}

/** Links within these pages no longer load the document anew. */
export function startRouter() {
  window.addEventListener('popstate', onPop);
  document.addEventListener('click', onClick);
  window.addEventListener('beforeunload', (event) => {
    if (mayLeave) event.preventDefault();
  });
}
