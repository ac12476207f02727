// Many pieces at once: typed on the keypad or a keyboard, added or taken away. Scrap may say why.
import { html, useState } from '../../shared/html.js';
import { label, number, t } from '../../shared/i18n.js';
import { count, QUANTITY_MAX } from '../session/act.js';
import { shownTotals } from '../session/shown.js';
import { Keypad } from '../widgets/keypad.js';
import { Sheet } from '../widgets/sheet.js';
import { scrapReasons } from './catalog.js';

const DIGITS_MAX = String(QUANTITY_MAX).length - 1;

/** The sheet for `good` or `scrap`. */
export function KeypadSheet({ kind, onClose }) {
  const [typed, setTyped] = useState('');
  const [reason, setReason] = useState(null);
  const amount = Number(typed);
  const total = shownTotals.value[kind];
  const put = (digit) => setTyped((before) => (before + digit).replace(/^0+(?=\d)/, '').slice(0, DIGITS_MAX));
  const erase = () => setTyped((before) => before.slice(0, -1));
  const add = (sign) => {
    if (amount === 0 || (sign < 0 && amount > total)) return;
    count(kind, sign * amount, reason);
    onClose();
  };
  const onKeyDown = (event) => {
    if (/^\d$/.test(event.key)) put(event.key);
    else if (event.key === 'Backspace') erase();
    else if (event.key === 'Enter' && !(event.target instanceof HTMLButtonElement)) add(1);
    else return;
    event.preventDefault();
  };
  const name = t(`worker.${kind}`);
  return html`<${Sheet} name="keypad" title=${name} onClose=${onClose} onKeyDown=${onKeyDown}>
    <p class="typed tabular"><output aria-live="polite">${number(amount)}</output> <span class="hint">${t('worker.count.now', { n: total })}</span></p>
    ${kind === 'scrap' && scrapReasons.value.length > 0 && html`<div class="chips" role="group" aria-label=${t('worker.reasons')}>
      ${scrapReasons.value.map((one) => html`<button key=${one.id} type="button" class="chip" aria-pressed=${one.id === reason ? 'true' : 'false'} onClick=${() => setReason(one.id === reason ? null : one.id)}><bdi>${label(one)}</bdi></button>`)}
    </div>`}
    <${Keypad} onKey=${put} onErase=${erase} />
    <div class="buttons">
      <button type="button" class="secondary big" disabled=${amount === 0 || amount > total} onClick=${() => add(-1)}>${t('worker.count.take', { n: amount })}</button>
      <button type="button" class="primary big" disabled=${amount === 0} onClick=${() => add(1)}>${t('worker.count.add', { n: amount })}</button>
    </div>
  <//>`;
}
