// The words of the worker's pages: those of the device's language are loaded first, others when they are chosen.
import { registerLazily } from '../shared/i18n.js';

/** Resolves when the pages can be shown. */
export const words = registerLazily({
  he: () => import('./i18n/he.js'),
  ru: () => import('./i18n/ru.js'),
  en: () => import('./i18n/en.js'),
});
