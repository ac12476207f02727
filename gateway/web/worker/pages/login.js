// Signing in by a code: on the keypad, on a keyboard, or by a badge reader, which types and presses Enter.
import { html, useEffect, useLayoutEffect, useRef, useState } from '../../shared/html.js';
import { ApiError } from '../../shared/api.js';
import { t } from '../../shared/i18n.js';
import { mustSignInAgain, signIn, worker } from '../identity.js';
import { Keypad } from '../widgets/keypad.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { eachSecond } from '../widgets/ticker.js';
import { Missing } from '../widgets/foot.js';

const CODE_MAX = 64;
/** People type slower than this between two keys; badge readers faster. */
const READER_GAP_MS = 40;
/** A burst this long is a badge: what somebody had begun to type before it is not part of it. */
const READER_MIN = 4;

/** What a reader has just typed, if it was one. */
function useReader() {
  const burst = useRef({ text: '', at: -Infinity });
  return {
    note(character, now) {
      const isFast = now - burst.current.at < READER_GAP_MS;
      burst.current = { text: isFast ? burst.current.text + character : character, at: now };
    },
    take(now) {
      const { text, at } = burst.current;
      burst.current = { text: '', at: -Infinity };
      return text.length >= READER_MIN && now - at < READER_GAP_MS ? text : null;
    },
  };
}

/** Seconds until the next try is allowed. */
function useWait() {
  const [until, setUntil] = useState(0);
  const [left, setLeft] = useState(0);
  useEffect(() => eachSecond(() => setLeft(Math.max(0, Math.ceil((until - Date.now()) / 1_000)))), [until]);
  return [left, (seconds) => setUntil(Date.now() + seconds * 1_000)];
}

function useSignIn() {
  const [code, setCode] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [left, wait] = useWait();
  const submit = async (typed) => {
    if (busy || left > 0 || typed.trim() === '') return;
    setBusy(true);
    setError(null);
    try {
      await signIn(typed.trim());
    } catch (failure) {
      if (failure.retryAfterS && failure.status === 429) wait(failure.retryAfterS);
      setError(failure);
      if (failure instanceof ApiError && failure.status === 404) setCode('');
    } finally {
      setBusy(false);
    }
  };
  const put = (character) => {
    setError(null);
    setCode((before) => (before + character).slice(0, CODE_MAX));
  };
  return { code, setCode, busy, error, left, submit, put, erase: () => setCode((before) => before.slice(0, -1)) };
}

/** Keys go to the code wherever the focus is. */
function useKeys(signing) {
  const latest = useRef(null);
  latest.current = signing;
  const reader = useReader();
  // Before the step is painted: a badge may be faster than an eye.
  useLayoutEffect(() => {
    const onKey = (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
      const now = event.timeStamp;
      if (event.key === 'Enter') {
        const badge = reader.take(now);
        // Enter on a button presses it, unless a badge reader said it.
        if (!badge && event.target instanceof HTMLButtonElement) return;
        event.preventDefault();
        if (badge) latest.current.setCode(badge);
        latest.current.submit(badge ?? latest.current.code);
      } else if (event.key === 'Backspace') {
        event.preventDefault();
        latest.current.erase();
      } else if (event.key.length === 1 && !(event.key === ' ' && event.target instanceof HTMLButtonElement)) {
        event.preventDefault();
        reader.note(event.key, now);
        latest.current.put(event.key);
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

/** The step. */
export function LoginPage() {
  const signing = useSignIn();
  const { code, setCode, busy, error, left, submit, put, erase } = signing;
  useKeys(signing);
  const again = mustSignInAgain.value;
  const text = left > 0 ? t('worker.login.wait', { n: left }) : undefined;
  const paste = (event) => {
    event.preventDefault();
    setCode((event.clipboardData?.getData('text') ?? '').trim().slice(0, CODE_MAX));
  };
  const onSubmit = (event) => {
    event.preventDefault();
    submit(code);
  };
  return html`<${Page} name="login" title=${t('worker.login.title')}>
    ${again && html`<p class="info">${t('worker.login.again', { name: worker.value.full_name })}</p>`}
    <form class="login" onSubmit=${onSubmit} noValidate>
      <div class="field">
        <label for="code">${t('worker.login.code')}</label>
        <input id="code" class="readout" dir="ltr" inputmode="none" autocomplete="off" autocapitalize="off" spellcheck="false" maxlength=${CODE_MAX}
          value=${code} onInput=${(event) => setCode(event.currentTarget.value)} onPaste=${paste} aria-describedby="login-hint" aria-invalid=${error && left === 0 && error.status === 404 ? 'true' : undefined} />
      </div>
      <div class="message" id="login-hint">${(error && (left > 0 || error.status !== 429)) ? html`<${Problem} error=${error} text=${text} />` : html`<p class="hint">${t('worker.login.hint')}</p>`}</div>
      <${Keypad} onKey=${put} onErase=${erase} extra="-" />
      <button type="submit" class="primary big" disabled=${busy || left > 0 || code.trim() === ''}>${busy ? t('worker.login.busy') : t('worker.login.enter')}</button>
    </form>
    <${Missing} />
  <//>`;
}
