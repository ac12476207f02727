// Requests of these pages: an answer that says "sign in" brings the sign-in up, whatever asked.
import { ApiError } from '../shared/api.js';
import { loginEnded } from './account.js';

/** Does `ask`; when the login has ended, the page asks for it, and the error goes on to the asker. */
export async function withLogin(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) loginEnded();
    throw error;
  }
}
