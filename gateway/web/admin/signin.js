// Signing in: as a page of its own, or over a page whose login has ended.
import { html, useState } from '../shared/html.js';
import { t } from '../shared/i18n.js';
import { ApiError } from '../shared/api.js';
import { endedFor, signIn } from './account.js';
import { Dialog } from './widgets/dialog.js';
import { Page } from './widgets/page.js';
import { Problem } from './widgets/problem.js';

/** The page for whoever is not signed in. */
export function SignInPage() {
  return html`<${Page} title=${t('admin.sign_in.title')} class="sign-in"><${SignInForm} /><//>`;
}

/** Over a page: what was typed there stays. */
export function SignInAgain() {
  return html`<${Dialog} title=${t('admin.sign_in.ended')}><p>${t('admin.sign_in.ended_text')}</p>
    <${SignInForm} name=${endedFor.value} /><//>`;
}

function SignInForm({ name = '' }) {
  const [account, setAccount] = useState(name ?? '');
  const [password, setPassword] = useState('');
  const [state, setState] = useState({ busy: false, error: null });
  const submit = async (event) => {
    event.preventDefault();
    setState({ busy: true, error: null });
    try {
      await signIn(account.trim(), password);
    } catch (error) {
      setPassword('');
      setState({ busy: false, error });
    }
  };
  const wrong = state.error instanceof ApiError && state.error.code === 'NOT_FOUND';
  return html`<form class="sign-in-form" onSubmit=${submit}>
    <div class="field"><label for="sign-in-account">${t('admin.sign_in.account')}</label>
      <input id="sign-in-account" name="account" type="text" required maxlength="200" autocomplete="username"
      autocapitalize="none" spellcheck=${false} dir="auto" value=${account}
      onInput=${(event) => setAccount(event.currentTarget.value)} /></div>
    <div class="field"><label for="sign-in-password">${t('admin.sign_in.password')}</label>
      <input id="sign-in-password" name="password" type="password" required autocomplete="current-password" dir="ltr"
      value=${password} onInput=${(event) => setPassword(event.currentTarget.value)} /></div>
    ${wrong && html`<p class="problem" role="alert">${t('admin.sign_in.wrong')}</p>`}
    ${state.error && !wrong && html`<${Problem} error=${state.error} />`}
    <button type="submit" class="primary" disabled=${state.busy}>
      ${state.busy ? t('admin.sign_in.doing') : t('admin.sign_in.do')}</button>
  </form>`;
}
