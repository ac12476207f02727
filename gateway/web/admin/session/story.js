// What happened in a session, made from what the server tells: intervals for a picture, events for a list. No page here.

/** Time before the start gate, as an interval of its own. */
const preparation = (session) => ({
  id: 'preparation',
  status: null,
  from: Date.parse(session.created_at),
  to: Date.parse(session.started_at),
});

/** The intervals of a session in order, in milliseconds; the open one ends at `now`. */
export function intervalsOf({ session, status_events: statusEvents }, now) {
  const ended = session.ended_at ? Date.parse(session.ended_at) : now;
  const worked = statusEvents.map((event) => ({
    id: event.id,
    status: event.status,
    reasonId: event.reason_id,
    note: event.note,
    imageUrl: event.image_url,
    reportedAt: event.reported_at,
    from: Date.parse(event.started_at),
    to: event.ended_at ? Date.parse(event.ended_at) : Math.max(ended, Date.parse(event.started_at)),
    isOpen: !event.ended_at && !session.ended_at,
  }));
  worked.sort((one, other) => one.from - other.from || one.to - other.to);
  const prepared = preparation(session);
  return prepared.to > prepared.from && worked.length > 0 ? [prepared, ...worked] : worked;
}

/** The part of a session that nobody proved: between the last sign of life and an idle close; null when there is none. */
export function unprovenOf(session) {
  if (!session.effective_end_at || !session.ended_at) return null;
  const [from, to] = [Date.parse(session.effective_end_at), Date.parse(session.ended_at)];
  return to > from ? { from, to } : null;
}

/** Time in each status, longest first. */
export function sumsOf(intervals) {
  const sums = new Map();
  for (const { status, from, to } of intervals) sums.set(status, (sums.get(status) ?? 0) + to - from);
  return [...sums].map(([status, ms]) => ({ status, ms })).sort((one, other) => other.ms - one.ms);
}

/** Takes the first entry that `fits` out of a list. */
function take(list, fits) {
  const index = list.findIndex(fits);
  return index < 0 ? null : list.splice(index, 1)[0];
}

/** The events in order, each with what it changed: an interval that it began, or totals. */
export function eventsOf({ session, status_events: statusEvents, quantity_changes: changes, events = [] }) {
  const [intervals, totals] = [[...statusEvents], [...changes]];
  return events.map((event) => ({
    ...event,
    ...partsOf(event.actor),
    cause: event.kind === 'closed' ? session.closed_cause : null,
    began: take(intervals, (interval) => interval.started_at === event.at),
    counted: event.kind === 'quantities-reported' ? take(totals, (change) => change.at === event.at) : null,
  }));
}

/** `worker:<id>`, `admin:<account>` or `system`. */
function partsOf(actor) {
  const colon = actor.indexOf(':');
  return colon < 0 ? { by: actor, name: null } : { by: actor.slice(0, colon), name: actor.slice(colon + 1) };
}

/** Totals over time for a plot: seconds, good, scrap; from the start to the end. */
export function totalsOf({ session, quantity_changes: changes }, now) {
  const start = Date.parse(session.started_at);
  const end = Math.max(session.ended_at ? Date.parse(session.ended_at) : now, start);
  const last = changes.at(-1);
  const points = [
    [start, 0, 0],
    ...changes.map((change) => [Date.parse(change.at), change.total_good, change.total_scrap]),
    [end, last?.total_good ?? 0, last?.total_scrap ?? 0],
  ];
  return [0, 1, 2].map((column) => points.map((point) => (column === 0 ? point[0] / 1_000 : point[column])));
}
