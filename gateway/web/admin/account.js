// Who is signed in: signing in and out, renewing the login before it ends, and what the role allows.
import { signal, computed } from '../shared/html.js';
import { ApiError, get, post } from '../shared/api.js';

const ROLES = ['viewer', 'supervisor', 'admin'];
/** A login is renewed this long before it ends: time enough for a network that is away for a while. */
const RENEW_BEFORE_MS = 10 * 60_000;
/** Shortest wait between two tries to renew. */
const RENEW_PAUSE_MS = 30_000;
/** Longest wait that timers of browsers take. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** undefined: not known yet; null: nobody; else `{name, role, stations}`. */
export const account = signal(undefined);
/** The login has ended: whose it was. `account` stays as it was, and so does the page, until somebody signs in again. */
export const endedFor = signal(null);
/** Why nobody could be asked who is signed in; null while all is well. */
export const startProblem = signal(null);
/** When the login ends, in milliseconds since 1970. */
const loginEndsAt = signal(0);

/** Whether the account has this role or a higher one. */
const mayAct = (role) => {
  const now = account.value;
  return Boolean(now) && ROLES.indexOf(now.role) >= ROLES.indexOf(role);
};
/** Closing sessions. */
export const maySupervise = computed(() => mayAct('supervisor'));
/** The directory, accounts, tablets and the audit: for admins without a limit to stations. */
export const mayAdminister = computed(() => mayAct('admin') && account.value.stations === null);

/** Whether the server can be asked in somebody's name. */
export const isSignedIn = computed(() => Boolean(account.value) && endedFor.value === null);

let renewTimer = 0;

function signedIn({ account: who, expires_at: endsAt }) {
  loginEndsAt.value = Date.parse(endsAt);
  account.value = who;
  endedFor.value = null;
  planRenewal();
}

function planRenewal() {
  clearTimeout(renewTimer);
  const wait = Math.max(loginEndsAt.value - Date.now() - RENEW_BEFORE_MS, RENEW_PAUSE_MS);
  renewTimer = setTimeout(() => renew().catch(planRenewal), Math.min(wait, TIMER_MAX_MS));
}

/** Renews the login. Returns the new token, for a feed that is connected; null when it cannot be renewed any further. */
export async function renew() {
  try {
    const answer = await post('/api/admin/refresh');
    signedIn(answer);
    return answer.token;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      await lookWhoIsSignedIn();
      return null;
    }
    planRenewal();
    throw error;
  }
}

async function lookWhoIsSignedIn() {
  try {
    signedIn(await get('/api/admin/me'));
  } catch (error) {
    if (!(error instanceof ApiError) || ![401, 403].includes(error.status)) throw error;
    loginEnded();
  }
}

/** Asks who is signed in, at the start of the page. */
export async function start() {
  startProblem.value = null;
  try {
    await lookWhoIsSignedIn();
  } catch (error) {
    startProblem.value = error;
  }
}

/** The server does not know the login any more: the page stays, and asks to sign in. */
export function loginEnded() {
  clearTimeout(renewTimer);
  if (account.value) endedFor.value = account.value.name;
  else account.value = null;
}

/** Signs in. Somebody else than before gets a page without anything of the one before. */
export async function signIn(name, password) {
  const before = endedFor.value;
  const answer = await post('/api/admin/login', { account: name, password });
  if (before !== null && before.toLowerCase() !== answer.account.name.toLowerCase()) {
    location.assign('/admin');
    return;
  }
  signedIn(answer);
}

/** Signs out, here and at the server. */
export async function signOut() {
  await post('/api/admin/logout');
  clearTimeout(renewTimer);
  endedFor.value = null;
  account.value = null;
}
