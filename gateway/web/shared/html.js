// The one door to the libraries: pages import from here, so that what is vendored, and how, is known in one place.
//
//   html`<p>${text}</p>`   markup; text is text, never HTML
//   signal, computed, effect, batch   state that redraws whoever reads it
import { h } from '../vendor/preact.js';
import htm from '../vendor/htm.js';

/** Markup as a tagged template. Whatever is put in is escaped. */
export const html = htm.bind(h);

export { Component, createContext, createRef, Fragment, render } from '../vendor/preact.js';
export { useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useReducer, useRef, useState } from '../vendor/hooks.js';
export { batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect } from '../vendor/signals.js';
