// Sending a factory file: no JSON, and larger than other requests.
import { ApiError, NetworkError } from '../../shared/api.js';

/** 8 MiB on a slow line, and the check of a whole factory. */
const SEND_WITHIN_MS = 60_000;

/** Posts the file; the answer as JSON, or an ApiError or NetworkError as other requests throw them. */
export async function sendFile(path, file) {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), SEND_WITHIN_MS);
  const headers = { 'Content-Type': 'application/toml' };
  let response;
  try {
    response = await fetch(path, { method: 'POST', body: file, headers, credentials: 'same-origin', signal: ending.signal });
  } catch (error) {
    throw new NetworkError(error);
  } finally {
    clearTimeout(timer);
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  throw new ApiError({ status: response.status, code: body?.error ?? 'INTERNAL', message: body?.message ?? '', details: body?.details });
}
