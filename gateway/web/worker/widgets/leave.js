// Signing out. What waits to be sent is sent first; what stays behind is said: presses that cannot be sent, an open session.
import { html, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { signOut } from '../identity.js';
import { drain } from '../queue/drain.js';
import { waitingCount } from '../queue/queue.js';
import { attendedId } from '../session/life.js';
import { idleMs } from '../whereabouts.js';

const MINUTE_MS = 60_000;

function whatStays() {
  const minutes = idleMs.value ? Math.max(1, Math.round(idleMs.value / MINUTE_MS)) : null;
  return [
    waitingCount.value > 0 && t('worker.leave.waiting', { n: waitingCount.value }),
    attendedId.value && (minutes ? t('worker.leave.open', { n: minutes }) : t('worker.leave.open_soon')),
  ].filter(Boolean);
}

/** The button, and the words when something stays behind. */
export function Leave({ className = 'secondary' }) {
  const [warned, setWarned] = useState(false);
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    await drain();
    setBusy(false);
    if (whatStays().length > 0) setWarned(true);
    else await signOut();
  };
  const stays = warned ? whatStays() : [];
  if (stays.length === 0) return html`<button type="button" class=${className} disabled=${busy} onClick=${leave}>${t('worker.leave')}</button>`;
  return html`<div class="problem" role="alert">${stays.map((one) => html`<p key=${one}>${one}</p>`)}
    <div class="buttons"><button type="button" class="primary" onClick=${() => setWarned(false)}>${t('worker.leave.stay')}</button>
    <button type="button" class="secondary" onClick=${signOut}>${t('worker.leave.anyway')}</button></div></div>`;
}
