// Writing records: compare-and-set, so that nobody overwrites what they have not seen.
import { del, put } from '../../shared/api.js';
import { forget, remember } from '../directory.js';
import { withLogin } from '../login_needed.js';

const addressOf = (kind, id) => `/api/admin/directory/${kind.path}/${encodeURIComponent(id)}`;
const seen = (sequence) => ({ headers: { 'If-Match': String(sequence) } });

/** Puts a record that was at `sequence` (0: a new one). Returns it as stored; throws RECORD_CHANGED with the newer one. */
export async function write(kind, id, sequence, fields) {
  const stored = await withLogin(() => put(addressOf(kind, id), fields, seen(sequence)));
  remember(kind.path, stored);
  return stored;
}

/** Removes a record that was at `sequence`. */
export async function remove(kind, id, sequence) {
  await withLogin(() => del(addressOf(kind, id), undefined, seen(sequence)));
  forget(kind.path, id);
}

/** The newer record that an edit ran into; null when it is gone. Undefined: the error says something else. */
export function newerOf(error) {
  return error.code === 'RECORD_CHANGED' ? (error.details?.current ?? null) : undefined;
}
