// What the frames of a feed mean: parts are put together, and every delta and ping must build on the cursor that is held.

/** Follows frames. `on`: `snapshot(sessions)`, `delta(set, del)`, `seen(list)`, each optional. */
export class Frames {
  #on;
  #parts = [];
  #part = 0;

  /** Where one goes on from; null before there is anything. */
  cursor = null;

  constructor(on) {
    this.#on = on;
  }

  /** A new connection begins: half a picture of the old one is worth nothing. */
  begin() {
    this.#parts = [];
    this.#part = 0;
  }

  /** What is held is worth nothing. */
  reset() {
    this.begin();
    this.cursor = null;
  }

  /** Takes a snapshot, delta or ping. False: something was missed, connect again. */
  take(frame) {
    if (frame.type === 'snapshot') return this.#snapshot(frame);
    if (frame.prev !== this.cursor) return false;
    if (frame.type === 'delta') return this.#delta(frame);
    this.cursor = frame.cursor;
    if (frame.seen) this.#on.seen?.(frame.seen);
    return true;
  }

  #snapshot({ part, last, sessions, cursor }) {
    if (part === 1) this.begin();
    if (part !== this.#part + 1) return false;
    this.#part = part;
    this.#parts.push(...sessions);
    if (!last) return true;
    this.cursor = cursor;
    const whole = this.#parts;
    this.begin();
    this.#on.snapshot?.(whole);
    return true;
  }

  /** Parts of a delta are put in as they come: each session in it is whole. The cursor moves with the last. */
  #delta({ cursor, set = [], del = [] }) {
    if (cursor !== undefined) this.cursor = cursor;
    this.#on.delta?.(set, del);
    return true;
  }
}
