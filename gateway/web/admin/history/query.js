// What is looked for in history: out of the page's address, and into the server's.

export const CAUSES = ['completed', 'idle', 'abandoned', 'replaced', 'admin'];
export const STATES = ['closed', 'recent', 'active'];
/** What filters other than the state are called, here and at the server. */
const NAMES = ['station', 'worker', 'job', 'cause'];

/** What the address asks for. Days are local: `from` is their beginning, `to` the end of that day. */
export function asked(query) {
  const state = STATES.includes(query.get('state')) ? query.get('state') : 'closed';
  const filters = Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? '']));
  return { state, ...filters, from: dayOf(query.get('from')), to: dayOf(query.get('to')) };
}

const dayOf = (text) => (/^\d{4}-\d{2}-\d{2}$/.test(text ?? '') && !Number.isNaN(Date.parse(text)) ? text : '');

/** The first moment of a local day, some days later. */
function startOf(day, later = 0) {
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

function filtersOf(wanted) {
  const query = new URLSearchParams();
  for (const name of NAMES) if (wanted[name]) query.set(name, wanted[name]);
  if (wanted.from) query.set('from', startOf(wanted.from));
  if (wanted.to) query.set('to', startOf(wanted.to, 1));
  return query;
}

/** The list's address at the server, from this cursor on. */
export function listAddress(wanted, cursor = null) {
  const query = filtersOf(wanted);
  query.set('state', wanted.state);
  if (cursor) query.set('cursor', cursor);
  return `/api/admin/sessions?${query}`;
}

/** The address of the same as a file for a spreadsheet. */
export const csvAddress = (wanted) => `/api/admin/sessions.csv?${filtersOf(wanted)}`;
