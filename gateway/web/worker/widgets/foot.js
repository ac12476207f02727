// What stands below a step: signing out, with what stays behind, and what this browser does not do.
import { html, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { signOut } from '../identity.js';
import { keeps } from '../queue/db.js';
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

/** What is missing here, said quietly: it explains a dark screen, or an empty page without network. */
export function Missing() {
  const lines = [];
  if (!window.isSecureContext) lines.push(t('worker.missing.secure'));
  if (!keeps.value) lines.push(t('worker.missing.storage'));
  if (lines.length === 0) return null;
  return html`<aside class="missing hint">${lines.map((line) => html`<p key=${line}>${line}</p>`)}</aside>`;
}
