// A client of the live feed `andon.feed.v1`: it connects, comes back after whatever happened, goes on where it was, and is
// honest about the state of the connection.
//
//   const feed = openFeed({
//     path: '/api/admin/feed', parameters: {station: [id, …]}, sse: true,
//     probe: () => get('/api/admin/me'),        // why a handshake fails; a 401 ends the feed
//     on: {
//       snapshot(sessions) {…},                 // everything: replace what you hold
//       delta(set, del) {…},                    // ignore entries whose `seq` is lower than yours
//       seen(list) {…},                         // [[session id, ms], …]: signs of life
//       auth: async () => token | null,         // the login ends in a minute: renew it
//       frame(frame) {…},                       // all others: reply, grace, gap, error
//     },
//   });
//   feed.state.value   {kind, since, retryAt?, code?}; kind: `connecting` (the first time), `catching-up`, `live`, `stale` (the
//                      server lost its log, since), `lost` (no connection, since), `ended` (sign in, or reload: see code)
//   feed.send(frame)   false: not now (no WebSocket)
//   feed.again()       connect now, for a button
//   feed.close()
import { ApiError } from './api.js';
import { signal } from './html.js';
import { learnFromMessage, serverNow } from './time.js';
import { Frames } from './feed_frames.js';
import { byEvents, byWebSocket } from './feed_transports.js';

const BACKOFF_FIRST_MS = 2_000;
const BACKOFF_MAX_MS = 30_000;
/** Two pings and some time on the way: whoever says nothing for so long is gone. */
const SILENT_MS = 35_000;
const WATCH_EVERY_MS = 5_000;
/** A connection that lasted this long was a good one: the next wait is short again. */
const GOOD_AFTER_MS = 10_000;
/** After so many connections in a row without a word, the other transport is tried. */
const TRIES_BEFORE_OTHER = 2;

const SIGN_IN_CODES = [4001, 4003];
const NEVER_CODES = [4000, 4004];
const RESYNC = 4200;

class Feed {
  /** See the head of this file. */
  state = signal({ kind: 'connecting', since: serverNow() });

  #options;
  #on;
  #frames;
  #connection = null;
  #timer = 0;
  #watch = 0;
  #bound = BACKOFF_FIRST_MS;
  #heardAt = 0;
  #helloAt = 0;
  #silentTries = 0;
  #events = false;
  #closed = false;

  constructor(options) {
    this.#options = options;
    this.#on = options.on ?? {};
    this.#frames = new Frames(this.#on);
    this.#watch = setInterval(this.#look, WATCH_EVERY_MS);
    window.addEventListener('online', this.again);
    window.addEventListener('offline', this.#offline);
    document.addEventListener('visibilitychange', this.#seen);
    this.#connect();
  }

  /** Connects now, when it waits. */
  again = () => {
    if (this.#closed || this.#connection || this.state.peek().kind === 'ended') return;
    clearTimeout(this.#timer);
    this.#connect();
  };

  /** Sends a frame; false when there is no open WebSocket. */
  send(frame) {
    return this.#connection?.send(frame) ?? false;
  }

  /** Ends it for good. */
  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#watch);
    window.removeEventListener('online', this.again);
    window.removeEventListener('offline', this.#offline);
    document.removeEventListener('visibilitychange', this.#seen);
    this.#connection?.close();
    this.#connection = null;
  }

  #address() {
    const query = new URLSearchParams();
    for (const [name, values] of Object.entries(this.#options.parameters ?? {})) {
      for (const value of [values].flat()) query.append(name, value);
    }
    if (this.#frames.cursor) query.set('after', this.#frames.cursor);
    const text = query.toString();
    return text ? `${this.#options.path}?${text}` : this.#options.path;
  }

  #connect() {
    this.#frames.begin();
    this.#helloAt = 0;
    this.#heardAt = Date.now();
    const open = this.#events ? byEvents : byWebSocket;
    this.#connection = open(this.#address(), { frame: (frame) => this.#frame(frame), end: (code) => this.#ended(code) });
  }

  #frame(frame) {
    this.#heardAt = Date.now();
    switch (frame.type) {
      case 'hello': return this.#hello(frame);
      case 'ping':
        learnFromMessage(frame.time);
        this.send({ type: 'pong' });
        return this.#take(frame);
      case 'snapshot': case 'delta': return this.#take(frame);
      case 'reset':
        this.#frames.reset();
        return this.#is('catching-up');
      case 'stale': return this.#is('stale', { since: Date.parse(frame.since) });
      case 'fresh':
        this.#frames.cursor = frame.cursor;
        return this.#is('live');
      case 'auth': return void this.#renew();
      case 'bye': return this.#ended(frame.code, frame.retry_in_ms);
      default: return this.#on.frame?.(frame);
    }
  }

  #hello({ resumed, retry_ms: retryMs }) {
    this.#helloAt = Date.now();
    this.#silentTries = 0;
    this.#bound = Math.max(this.#bound, retryMs);
    this.#is(resumed ? 'live' : 'catching-up');
  }

  #take(frame) {
    if (!this.#frames.take(frame)) return this.#ended(RESYNC);
    if (frame.type === 'snapshot' && frame.last) this.#is('live');
    return undefined;
  }

  async #renew() {
    const token = await Promise.resolve(this.#on.auth?.()).catch(() => null);
    if (token) this.send({ type: 'auth', token });
  }

  /** A connection is over: what next depends on why. `waitMs` is what the server asks for. */
  #ended(code, waitMs) {
    if (this.#closed || !this.#connection) return;
    this.#connection.close();
    this.#connection = null;
    if (!this.#helloAt) this.#tryOtherTransport();
    else if (Date.now() - this.#helloAt > GOOD_AFTER_MS) this.#bound = BACKOFF_FIRST_MS;
    if (NEVER_CODES.includes(code)) return this.#is('ended', { code });
    const wait = waitMs ?? (code === RESYNC ? 0 : Math.random() * this.#bound);
    this.#bound = Math.min(this.#bound * 2, BACKOFF_MAX_MS);
    this.#lost(code, wait);
    if (SIGN_IN_CODES.includes(code) || !this.#helloAt) this.#askWhy(code);
    return undefined;
  }

  #lost(code, wait) {
    const before = this.state.peek();
    const since = ['lost', 'connecting', 'stale'].includes(before.kind) ? before.since : serverNow();
    this.#is('lost', { since, code, retryAt: serverNow() + wait });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.again, wait);
  }

  #tryOtherTransport() {
    this.#silentTries += 1;
    if (this.#options.sse === false || this.#silentTries % TRIES_BEFORE_OTHER !== 0) return;
    this.#events = !this.#events;
  }

  /** A failed handshake does not say why: an ordinary request does. */
  async #askWhy(code) {
    try {
      await this.#options.probe?.();
    } catch (error) {
      if (this.#closed || !(error instanceof ApiError) || ![401, 403].includes(error.status)) return;
      clearTimeout(this.#timer);
      this.#connection?.close();
      this.#connection = null;
      this.#is('ended', { code: SIGN_IN_CODES.includes(code) ? code : SIGN_IN_CODES[0] });
    }
  }

  /** Timers of hidden pages are slow: what they missed is looked at here. */
  #look = () => {
    if (this.#connection && Date.now() - this.#heardAt > SILENT_MS) this.#ended(0);
  };

  #seen = () => {
    this.#look();
    if (document.visibilityState === 'visible') this.again();
  };

  #offline = () => this.#ended(0);

  #is(kind, more = {}) {
    this.state.value = { kind, since: serverNow(), ...more };
  }
}

/** Opens a feed; see the head of this file. */
export const openFeed = (options) => new Feed(options);
