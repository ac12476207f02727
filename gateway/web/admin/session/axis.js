// Where a picture of time puts its marks.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** Steps that people read at a glance. */
const STEPS = [
  SECOND, 5 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
  HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR,
];
/** Room for one mark with its time. */
const MARK_PX = 90;
/** More marks than this are never drawn: a session of days, zoomed in as far as it goes. */
const MARKS_MAX = 400;

/** The marks between two times on so many pixels: `{step, marks}`, at full steps of the local clock. */
export function marksOf(from, to, widthPx) {
  const fitting = Math.min(Math.max(1, Math.floor(widthPx / MARK_PX)), MARKS_MAX);
  const step = STEPS.find((one) => (to - from) / one <= fitting) ?? Math.ceil((to - from) / fitting / (24 * HOUR)) * 24 * HOUR;
  const zone = new Date(from).getTimezoneOffset() * MINUTE;
  const marks = [];
  for (let at = Math.ceil((from - zone) / step) * step + zone; at <= to; at += step) marks.push(at);
  return { step, marks };
}
