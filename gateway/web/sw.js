// The service worker of the worker's pages: a tablet without network still opens them. The network comes first, so that
// nobody runs yesterday's pages against today's server; what it gave last is kept for when there is none. Nothing of the
// API ever is.

const CACHE = 'andon-shell-1';
/** One file of the server is the page at every address of the worker. */
const PAGE = '/';
/** On a line so bad that nothing comes, what is kept is shown after this. */
const PATIENCE_MS = 3_000;
const WORKER_PAGE = /^\/(?:login|stations|job\/[^/]+|start|work|end|summary\/[^/]+|resume)?$/;

/** Under which address a request is kept; null: not at all. */
function keptAs(request) {
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return null;
  if (request.mode === 'navigate') return WORKER_PAGE.test(url.pathname) ? PAGE : null;
  const isShell = /^\/assets\/(?:worker|shared|icons)\//.test(url.pathname) || (url.pathname.startsWith('/assets/vendor/') && !url.pathname.includes('uplot'));
  return isShell || url.pathname === '/manifest.webmanifest' ? url.pathname : null;
}

/** Asks the server, and keeps what it gives; by its tag the browser loads only what has changed. */
async function fromNetwork(request, key) {
  const response = await fetch(request);
  if (response.ok && response.type === 'basic') {
    const cache = await caches.open(CACHE);
    await cache.put(key, response.clone());
  }
  return response;
}

/** The network's answer; the kept one when there is none, when it takes too long, or when it is an error of the server. */
async function answer(request, key) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(key);
  const network = fromNetwork(request, key);
  if (!kept) return network;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
  const usable = network.then((response) => (response.status >= 500 ? kept : response));
  return Promise.race([usable, late]).catch(() => kept);
}

/** What a file of ours loads, as it is written there: in the page as `href` and `src`, in a script as imports. */
function loadedBy(path, text) {
  const written = path.endsWith('.js') ? /\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']/g : /(?:href|src)="(\/[^"]+)"/g;
  return [...text.matchAll(written)].map((match) => new URL(match[1], new URL(path, self.location.origin)).pathname);
}

/** The first visit keeps the page and all that it loads: the page may have been there before this worker. */
async function keepShell() {
  const cache = await caches.open(CACHE);
  const seen = new Set([PAGE]);
  const keep = async (path) => {
    const response = await fetch(path, { cache: 'no-cache' });
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    const isText = path === PAGE || path.endsWith('.js');
    const found = isText ? loadedBy(path, await response.clone().text()).filter((one) => !seen.has(one)) : [];
    found.forEach((one) => seen.add(one));
    await Promise.all([cache.put(path, response), ...found.map(keep)]);
  };
  await keep(PAGE);
}

self.addEventListener('install', (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith('andon-') && name !== CACHE).map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener('fetch', (event) => {
  const key = keptAs(event.request);
  if (key !== null) event.respondWith(answer(event.request, key));
});
