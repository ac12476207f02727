// Finds what a person would: by what it is and what it is called. Run with the arguments role, name, and whether the
// name may be a part; answers the elements that are seen, those of an open dialog alone when there is one.
const [role, name, part] = arguments;
const SELECTORS = {
  button: 'button, [role=button], summary, input[type=submit]',
  link: 'a[href], [role=link]',
  textbox: 'input:not([type=checkbox], [type=radio], [type=submit], [type=file], [type=color]), textarea, [role=textbox]',
  checkbox: 'input[type=checkbox], [role=checkbox], [role=switch]',
  radio: 'input[type=radio], [role=radio]',
  combobox: 'select, [role=combobox]',
  heading: 'h1, h2, h3, h4, h5, h6, [role=heading]',
  dialog: 'dialog, [role=dialog], [role=alertdialog]',
  alert: '[role=alert]',
  status: '[role=status]',
  file: 'input[type=file]',
  tab: '[role=tab]',
  any: '*',
};
// Isolates keep the direction of what is put into a sentence; nobody sees them.
const plain = (text) => (text ?? '').replace(/[\u2066-\u2069\u200e\u200f]/g, '').replace(/\s+/g, ' ').trim();
const byIds = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? '').join(' ');
function nameOf(element) {
  const labelled = element.getAttribute('aria-labelledby');
  if (labelled) return byIds(labelled);
  if (element.hasAttribute('aria-label')) return element.getAttribute('aria-label');
  if (element.labels?.length) return [...element.labels].map((label) => label.innerText).join(' ');
  return element.innerText || element.getAttribute('title') || element.getAttribute('alt') || element.value || '';
}
const fits = (text) => (part ? plain(text).includes(plain(name)) : plain(text) === plain(name));
const dialogs = [...document.querySelectorAll('dialog:modal')];
const root = dialogs.at(-1) ?? document;
return [...root.querySelectorAll(SELECTORS[role] ?? role)].filter(
  (element) => element.checkVisibility({ visibilityProperty: true }) && (name === null || fits(nameOf(element))),
);
