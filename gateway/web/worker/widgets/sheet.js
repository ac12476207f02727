// Sheets: the browser's own dialog, so that focus stays inside, Escape closes, and what is behind is out of reach. On a
// phone they rise from below, where thumbs are.
import { html, useId, useLayoutEffect, useRef } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';

/** A sheet that is open as long as it is drawn. `onClose`: Escape, a press beside it, or the button. */
export function Sheet({ title, onClose, children, name, onKeyDown }) {
  const element = useRef(null);
  const heading = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const opener = document.activeElement;
    element.current.showModal();
    heading.current?.focus();
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${element} class=${`sheet sheet-${name}`} aria-labelledby=${id} onCancel=${cancel} onKeyDown=${onKeyDown}
      onClick=${(event) => event.target === element.current && onClose()}>
    <div class="sheet-inside">
      <header class="sheet-head">
        <h2 id=${id} ref=${heading} tabindex="-1">${title}</h2>
        <button type="button" class="quiet" onClick=${onClose}>${t('worker.cancel')}</button>
      </header>
      ${children}
    </div>
  </dialog>`;
}
