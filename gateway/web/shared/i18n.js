// The language of the device and every text in it: the catalogs, labels of data, numbers.
//
//   register({he: {'work.good': 'טובים'}, ru: {…}, en: {…}})   a page's own words
//   t('work.left', {n: 3})   the text; {n} is put in, and chooses the form when the entry is {one, few, many, other}
//   label(status)   label_he, label_ru or label_en of a record
// All of them are reactive: a component that uses them is drawn anew when the language changes.
import { effect, signal } from './html.js';
import { recall, remember } from './storage.js';
import { en } from './i18n/en.js';
import { he } from './i18n/he.js';
import { ru } from './i18n/ru.js';

/** Languages by code: the name in itself, the direction, and the rules for dates and numbers. */
export const LANGUAGES = {
  he: { name: 'עברית', dir: 'rtl', locale: 'he-IL' },
  ru: { name: 'Русский', dir: 'ltr', locale: 'ru-RU' },
  en: { name: 'English', dir: 'ltr', locale: 'en-GB' },
};
const DEFAULT = 'he';
const KEPT_AS = 'andon.lang';

/** Every text by language and key; looked at by whoever checks them. */
export const catalogs = { he: { ...he }, ru: { ...ru }, en: { ...en } };

/** The language of this device. Read it; change it with `setLang`. */
export const lang = signal(known(recall(KEPT_AS)) ?? DEFAULT);

function known(code) {
  return Object.hasOwn(LANGUAGES, code ?? '') ? code : null;
}

/** Changes the language of the device, now and for later, once its words are there. An unknown one changes nothing. */
export function setLang(code) {
  if (!known(code)) return;
  wanted = code;
  if (loaders.length === 0) show(code);
  // Without a network the words of another language may be out of reach: the one shown stays.
  else void load(code).then(() => show(code), () => undefined);
}

let wanted = null;
function show(code) {
  if (code !== wanted) return;
  lang.value = code;
  remember(KEPT_AS, code);
}

effect(() => {
  document.documentElement.lang = lang.value;
  document.documentElement.dir = LANGUAGES[lang.value].dir;
});

const loaders = [];
const load = (code) => Promise.all(loaders.map((words) => words[code]().then((module) => Object.assign(catalogs[code], module[code]))));

/**
 * Adds a page's words that are loaded language by language: `{he: () => import('./i18n/he.js'), …}`, each a module that
 * exports them under the language's code. Resolves when those of the device's language are there.
 */
export function registerLazily(words) {
  loaders.push(words);
  return load(lang.peek());
}

/** Adds a page's words. Keys begin with the page's name, so that no two collide. */
export function register(words) {
  for (const code of Object.keys(catalogs)) Object.assign(catalogs[code], words[code]);
}

const plurals = {};
function formOf(entry, n) {
  if (typeof entry === 'string') return entry;
  const rules = (plurals[lang.value] ??= new Intl.PluralRules(lang.value));
  return entry[rules.select(Number(n))] ?? entry.other;
}

const LETTERS = { rtl: /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/, ltr: /[A-Za-z\u00c0-\u058f]/ };
const isRtl = () => LANGUAGES[lang.value].dir === 'rtl';

/** A text of the other direction keeps its own inside a sentence (Unicode's first-strong isolate). */
const isolated = (text) => (LETTERS[isRtl() ? 'ltr' : 'rtl'].test(text) ? `\u2068${text}\u2069` : text);
const shown = (value) => (typeof value === 'number' ? number(value) : isolated(String(value)));

/** The text of a key in the device's language. An unknown key is shown as it is: tests look for such. */
export function t(key, values) {
  const entry = catalogs[lang.value][key];
  if (entry === undefined) return key;
  const form = formOf(entry, values?.n);
  return values ? form.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? shown(values[name]) : whole)) : form;
}

/** Whether there is a text of this key. */
export const has = (key) => Object.hasOwn(catalogs[lang.value], key);

/** The label of a record (status, reason, checklist item) in the device's language, else in another it has. */
export function label(record) {
  const inOrder = [lang.value, DEFAULT, 'en', 'ru'];
  return inOrder.map((code) => record[`label_${code}`]).find((text) => text) ?? record.code ?? '';
}

const numbers = {};
/** A number with the language's separators. */
export function number(value) {
  const code = lang.value;
  return (numbers[code] ??= new Intl.NumberFormat(LANGUAGES[code].locale)).format(value);
}

/** A number with its sign, +5 or −5, which stands before it in every language. */
export function signed(value) {
  const text = `${value < 0 ? '−' : '+'}${number(Math.abs(value))}`;
  return isRtl() ? `\u2066${text}\u2069` : text;
}

/** The rules for dates and numbers of the device's language, for `Intl`. */
export const locale = () => LANGUAGES[lang.value].locale;
