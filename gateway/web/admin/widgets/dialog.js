// Dialogs: the browser's own, so that focus stays inside, Escape closes, and what is behind is out of reach.
import { html, useEffect, useRef } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';

let lastId = 0;

/** A dialog that is open as long as it is rendered. `onClose`: Escape, or the button in the corner; without it, neither. */
export function Dialog({ title, onClose, children, actions, wide = false, busy = false }) {
  const element = useRef(null);
  const id = useRef(0);
  id.current ||= lastId += 1;
  useEffect(() => {
    const opener = document.activeElement;
    const dialog = element.current;
    dialog.showModal();
    return () => {
      dialog.close();
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
    };
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    if (!busy) onClose?.();
  };
  return html`<dialog ref=${element} class=${wide ? 'dialog dialog-wide' : 'dialog'} aria-labelledby=${`dialog-${id.current}`}
    onCancel=${cancel}>
    <header class="dialog-head">
      <h2 id=${`dialog-${id.current}`}>${title}</h2>
      ${onClose && html`<button type="button" class="quiet icon-only" aria-label=${t('admin.close_dialog')} disabled=${busy}
        onClick=${onClose}><span aria-hidden="true">✕</span></button>`}
    </header>
    <div class="dialog-body">${children}</div>
    ${actions && html`<footer class="dialog-actions">${actions}</footer>`}
  </dialog>`;
}
