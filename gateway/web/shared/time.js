// Time as the server has it, and how times are written. Clocks of tablets are often wrong by minutes: whatever is
// compared with a time of the server is compared by `serverNow()`.
import { lang, locale, t } from './i18n.js';

const SECOND_MS = 1_000;
/** A clock that is set while a page is open makes all that was learnt worthless. */
const STEP_MS = 2_000;

/** Between these two lies what is to be added to the device's clock. */
let bounds = { low: -Infinity, high: Infinity };
/** The device's clock against one that cannot be set, when the bounds were learnt. */
let setAt = driftless();

function driftless() {
  return Date.now() - performance.now();
}

function forgetIfClockWasSet() {
  const now = driftless();
  if (Math.abs(now - setAt) > STEP_MS) bounds = { low: -Infinity, high: Infinity };
  setAt = now;
}

function narrow(low, high) {
  forgetIfClockWasSet();
  const both = { low: Math.max(low, bounds.low), high: Math.min(high, bounds.high) };
  // Nothing in common: the newer is right.
  bounds = both.low <= both.high ? both : { low, high };
}

/**
 * Learns from an answer whose `Date` header says `header`: the server wrote it between the two moments of the device's
 * clock, and it is cut to full seconds. Several answers together are exact to some milliseconds.
 */
export function learnFromHeader(header, sentAt, receivedAt) {
  const second = Date.parse(header ?? '');
  if (!Number.isNaN(second)) narrow(second - receivedAt, second + SECOND_MS - sentAt);
}

/** Learns from a message that says when the server wrote it; it travelled for at most `travelMs`. */
export function learnFromMessage(time, travelMs = SECOND_MS) {
  const at = Date.parse(time ?? '');
  if (!Number.isNaN(at)) narrow(at - Date.now(), at + travelMs - Date.now());
}

function offset() {
  const { low, high } = bounds;
  return Number.isFinite(low) && Number.isFinite(high) ? (low + high) / 2 : 0;
}

/** Milliseconds since 1970 on the server's clock; on the device's, until the server has said something. */
export const serverNow = () => Date.now() + offset();

/** When a person pressed, for `occurredAt`: RFC 3339, by the server's clock as far as it is known. */
export const occurredNow = () => new Date(serverNow()).toISOString();

const two = (n) => String(n).padStart(2, '0');

/** A running clock: 0:07, 12:34, 1:02:03. Never negative. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const made = new Map();
function format(name, options) {
  const key = `${lang.value} ${name}`;
  if (!made.has(key)) made.set(key, new Intl.DateTimeFormat(locale(), { ...options, hourCycle: 'h23' }));
  return made.get(key);
}

/** 14:05, in the device's zone. Takes milliseconds or RFC 3339. */
export const timeOfDay = (at) => format('time', { hour: '2-digit', minute: '2-digit' }).format(new Date(at));

/** 14:05:09. */
export const timeWithSeconds = (at) => format('seconds', { hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(at));

/** 3 Sep, 14:05. */
export const dateAndTime = (at) => format('full', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(new Date(at));

/** The time alone when it was today, else with its date. */
export function moment(at) {
  const [day, today] = [new Date(at), new Date(serverNow())];
  return day.toDateString() === today.toDateString() ? timeOfDay(at) : dateAndTime(at);
}

/** How long: 42:10, 3:05:00, and with days from a day on. */
export function duration(ms) {
  const days = Math.floor(Math.max(0, ms) / 86_400_000);
  const rest = clock(ms - days * 86_400_000);
  return days > 0 ? `${t('duration.days', { n: days })} ${rest}` : rest;
}
