// The keypad: keys for gloves, in place of a keyboard that would cover half of the screen. Digits stand as on a telephone in
// every language.
import { html } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { Icon } from './icon.js';

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];

/** `onKey(character)` for a digit or `extra` (a hyphen, say); `onErase` takes the last one away. */
export function Keypad({ onKey, onErase, extra }) {
  const key = (character, name) => html`<button type="button" class="key" aria-label=${name} onClick=${() => onKey(character)}>${character}</button>`;
  return html`<div class="keypad" dir="ltr" role="group" aria-label=${t('worker.keypad')}>
    ${DIGITS.map((digit) => key(digit))}
    ${extra ? key(extra, t('worker.keypad.hyphen')) : html`<span></span>`}
    ${key('0')}
    <button type="button" class="key" aria-label=${t('worker.keypad.erase')} onClick=${onErase}><${Icon} name="erase" /></button>
  </div>`;
}
