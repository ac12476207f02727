// The two ways to follow a feed: a WebSocket, and server-sent events where something in between lets no WebSocket
// through. Both tell `on.frame(frame)` for each frame and `on.end(code)` once; code 0: it broke.

const PROTOCOL = 'andon.feed.v1';
/** Without a WebSocket's handshake in this time the attempt is given up. */
const CONNECT_MS = 10_000;
const TYPES = ['hello', 'snapshot', 'delta', 'ping', 'reset', 'gap', 'stale', 'fresh', 'auth', 'error', 'bye'];

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Calls `end` at the first call only, and lets nothing through after it. */
function once(on) {
  let ended = false;
  return {
    frame: (text) => {
      const frame = ended ? null : parsed(text);
      if (frame) on.frame(frame);
    },
    end: (code) => {
      if (ended) return;
      ended = true;
      on.end(code);
    },
    mute: () => {
      ended = true;
    },
  };
}

/** Opens a WebSocket. Returns `{send, close}`; closed by us, it tells nothing more. */
export function byWebSocket(path, on) {
  const told = once(on);
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${path}`, PROTOCOL);
  const timer = setTimeout(() => {
    told.end(0);
    socket.close();
  }, CONNECT_MS);
  socket.onopen = () => clearTimeout(timer);
  socket.onmessage = (message) => told.frame(message.data);
  socket.onclose = (event) => {
    clearTimeout(timer);
    told.end(event.code >= 4000 ? event.code : 0);
  };
  return {
    send(frame) {
      const open = socket.readyState === WebSocket.OPEN;
      if (open) socket.send(JSON.stringify(frame));
      return open;
    },
    close() {
      told.mute();
      clearTimeout(timer);
      socket.close();
    },
  };
}

/** Opens server-sent events. Coming back is ours to do, as with the other transport. */
export function byEvents(path, on) {
  const told = once(on);
  const source = new EventSource(path);
  const close = () => {
    told.mute();
    source.close();
  };
  for (const type of TYPES) {
    source.addEventListener(type, (event) => {
      // A connection that breaks is an event called "error" too, and carries nothing.
      if (typeof event.data === 'string') told.frame(event.data);
    });
  }
  source.onerror = (event) => {
    if (typeof event.data === 'string') return;
    source.close();
    told.end(0);
  };
  return { send: () => false, close };
}
