// Times and durations as the supervisor's pages write them, in the language of the device.
import { computed } from '../../shared/html.js';
import { lang } from '../../shared/i18n.js';

const MINUTE_S = 60;
const HOUR_S = 3_600;
const two = (value) => String(value).padStart(2, '0');

/** Twenty-four hours everywhere: a shift that ends at 6 must not be taken for one that ends at 18. */
const options = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' };
const formats = computed(() => ({
  minutes: new Intl.DateTimeFormat(lang.value, options),
  seconds: new Intl.DateTimeFormat(lang.value, { ...options, second: '2-digit' }),
  date: new Intl.DateTimeFormat(lang.value, { day: '2-digit', month: '2-digit', year: 'numeric', ...options }),
  dateSeconds: new Intl.DateTimeFormat(lang.value, { day: '2-digit', month: '2-digit', year: 'numeric', ...options, second: '2-digit' }),
  second: unit('second'),
  minute: unit('minute'),
  hour: unit('hour'),
  day: unit('day'),
}));
const unit = (name) => new Intl.NumberFormat(lang.value, { style: 'unit', unit: name, unitDisplay: 'short' });

const whole = (ms) => Math.max(0, Math.floor(ms / 1_000));

/** A running clock: 4:07, 1:04:07. */
export function clock(ms) {
  const seconds = whole(ms);
  const [hours, minutes] = [Math.floor(seconds / HOUR_S), Math.floor((seconds % HOUR_S) / MINUTE_S)];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % MINUTE_S)}` : `${minutes}:${two(seconds % MINUTE_S)}`;
}

/** How long ago, in one unit: 12 s, 3 min, 2 h. */
export function age(ms) {
  const seconds = whole(ms);
  const words = formats.value;
  if (seconds < MINUTE_S) return words.second.format(seconds);
  if (seconds < HOUR_S) return words.minute.format(Math.floor(seconds / MINUTE_S));
  if (seconds < 24 * HOUR_S) return words.hour.format(Math.floor(seconds / HOUR_S));
  return words.day.format(Math.floor(seconds / (24 * HOUR_S)));
}

/** How long something took, in its two largest units: 1 h 4 min. */
export function duration(ms) {
  const seconds = whole(ms);
  const words = formats.value;
  if (seconds < MINUTE_S) return words.second.format(seconds);
  if (seconds < HOUR_S) return `${words.minute.format(Math.floor(seconds / MINUTE_S))} ${words.second.format(seconds % MINUTE_S)}`;
  return `${words.hour.format(Math.floor(seconds / HOUR_S))} ${words.minute.format(Math.floor((seconds % HOUR_S) / MINUTE_S))}`;
}

/** A time of the day. */
export const timeOfDay = (at, seconds = false) => formats.value[seconds ? 'seconds' : 'minutes'].format(new Date(at));

/** A date with its time. */
export const dateTime = (at, seconds = false) => formats.value[seconds ? 'dateSeconds' : 'date'].format(new Date(at));
