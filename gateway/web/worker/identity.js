// Who works in this tab. The login itself is a cookie that no script sees; kept here is whose it is, for this tab and for
// the next one that is opened on the device.
import { computed, signal } from '../shared/html.js';
import { post } from '../shared/api.js';
import { setLang } from '../shared/i18n.js';
import { recall, remember } from '../shared/storage.js';

const KEPT_AS = 'andon.worker';

/** The worker: {id, full_name, language}; null: nobody. */
export const worker = signal(read());
/** The server does not know the login any more, and the worker has to sign in again. Nothing is lost by it. */
export const mustSignInAgain = signal(false);
/** The worker has just signed in and has a session: whether to go on with it is asked. Kept over a reload. */
export const resuming = signal(recall('andon.resuming', 'sessionStorage') === 'yes');

export const workerId = computed(() => worker.value?.id ?? null);

function read() {
  const kept = recall(KEPT_AS, 'sessionStorage') ?? recall(KEPT_AS);
  try {
    const one = JSON.parse(kept ?? 'null');
    return typeof one?.id === 'string' ? one : null;
  } catch {
    return null;
  }
}

function keep(one) {
  const text = one && JSON.stringify(one);
  remember(KEPT_AS, text, 'sessionStorage');
  remember(KEPT_AS, text);
  worker.value = one;
}

/** Sets whether it is asked if the worker goes on. */
export function setResuming(yes) {
  resuming.value = yes;
  remember('andon.resuming', yes ? 'yes' : null, 'sessionStorage');
}

/** Signs in with a code; the device speaks the worker's language from then on, unless that is `auto`. */
export async function signIn(workerCode) {
  const again = mustSignInAgain.peek() ? workerId.peek() : null;
  const { worker: one } = await post('/api/workers/login', { workerCode });
  setResuming(one.id !== again);
  mustSignInAgain.value = false;
  // Whoever goes on keeps the language that was chosen meanwhile.
  if (one.id !== again) setLang(one.language);
  keep({ id: one.id, full_name: one.full_name, language: one.language });
}

/** Signs out. The tab forgets the worker also when the server cannot be told. */
export async function signOut() {
  const leaving = workerId.peek();
  await post('/api/workers/logout', { workerId: leaving }).catch((error) => error);
  mustSignInAgain.value = false;
  setResuming(false);
  keep(null);
}

/** The server does not know the login of this worker. */
export function loginEnded(whose) {
  if (whose === workerId.peek()) mustSignInAgain.value = true;
}

/** The server knows the login of this worker: somebody has signed in again, perhaps in another tab. */
export function loginWorks(whose) {
  if (whose === workerId.peek()) mustSignInAgain.value = false;
}
