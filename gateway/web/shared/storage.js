// Small things a device remembers. A browser may refuse to keep anything: then a page works, and forgets.

/** What is kept under this name, or null. `area` is `localStorage` (the device) or `sessionStorage` (this tab). */
export function recall(name, area = 'localStorage') {
  try {
    return window[area].getItem(name);
  } catch {
    return null;
  }
}

/** Keeps a text under this name; null forgets it. */
export function remember(name, text, area = 'localStorage') {
  try {
    if (text === null) window[area].removeItem(name);
    else window[area].setItem(name, text);
  } catch {
    // Full, or forbidden: nothing that pages keep here is needed to go on.
  }
}
