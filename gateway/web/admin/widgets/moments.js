// Times and durations that only the supervisor's pages write; the others are shared with the workers' pages.
import { computed } from '../../shared/html.js';
import { locale } from '../../shared/i18n.js';
import { timeOfDay as minutesOf, timeWithSeconds } from '../../shared/time.js';

export { clock } from '../../shared/time.js';

const MINUTE_S = 60;
const HOUR_S = 3_600;

const unit = (name) => new Intl.NumberFormat(locale(), { style: 'unit', unit: name, unitDisplay: 'short' });
/** Twenty-four hours everywhere: a shift that ends at 6 must not be taken for one that ends at 18. */
const date = (second) => new Intl.DateTimeFormat(locale(), {
  day: '2-digit', month: '2-digit', year: 'numeric', hour: '2-digit', minute: '2-digit', second, hourCycle: 'h23',
});
const formats = computed(() => ({
  date: date(),
  dateSeconds: date('2-digit'),
  second: unit('second'),
  minute: unit('minute'),
  hour: unit('hour'),
  day: unit('day'),
}));

const whole = (ms) => Math.max(0, Math.floor(ms / 1_000));

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
export const timeOfDay = (at, seconds = false) => (seconds ? timeWithSeconds(at) : minutesOf(at));

/** A date with its time. */
export const dateTime = (at, seconds = false) => formats.value[seconds ? 'dateSeconds' : 'date'].format(new Date(at));
