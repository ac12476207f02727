// Signing out. What waits to be sent is sent first; when it cannot be, the person is told what becomes of it.
import { html, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { signOut } from '../identity.js';
import { drain } from '../queue/drain.js';
import { waitingCount } from '../queue/queue.js';

/** The button, and the words when something waits. */
export function Leave() {
  const [warned, setWarned] = useState(false);
  const [busy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    await drain();
    setBusy(false);
    if (waitingCount.peek() > 0) setWarned(true);
    else await signOut();
  };
  if (warned && waitingCount.value > 0) {
    return html`<div class="problem" role="alert"><p>${t('worker.leave.waiting', { n: waitingCount.value })}</p>
      <div class="buttons"><button type="button" class="primary" onClick=${() => setWarned(false)}>${t('worker.leave.stay')}</button>
      <button type="button" class="secondary" onClick=${signOut}>${t('worker.leave.anyway')}</button></div></div>`;
  }
  return html`<button type="button" class="secondary" disabled=${busy} onClick=${leave}>${t('worker.leave')}</button>`;
}
