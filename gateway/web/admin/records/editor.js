// The page of one record: read, edit, save against the version that was read, remove.
import { html, useEffect, useState } from '../../shared/html.js';
import { t } from '../../shared/i18n.js';
import { get } from '../../shared/api.js';
import { mayAdminister } from '../account.js';
import { keepFresh, keyOf, listOf } from '../directory.js';
import { go, guardLeaving, place } from '../router.js';
import { confirm } from '../widgets/confirm.js';
import { Loading, useLoad } from '../widgets/load.js';
import { Page } from '../widgets/page.js';
import { Problem } from '../widgets/problem.js';
import { Conflict } from './conflict.js';
import { Field } from './fields.js';
import { fieldsOf, KINDS, same } from './kinds.js';
import { newerOf, remove, write } from './write.js';

const NEW_RECORD = { sequence: 0, record: null };
/** Nothing is under way, and nothing went wrong. */
const AT_REST = { busy: false, error: null, exists: null, saved: false, newer: undefined };

const addressOf = (name, id) => `/admin/directory/${name}/${encodeURIComponent(id)}`;

/** The page; `id` is null for a new record. */
export function EditorPage({ name, id }) {
  const kind = KINDS[name];
  useEffect(() => keepFresh(['station', kind.path]), [kind]);
  const read = (signal) =>
    id === null ? Promise.resolve(NEW_RECORD) : get(`/api/admin/directory/${kind.path}/${encodeURIComponent(id)}`, undefined, { signal });
  const { data, error, reload } = useLoad(read, [name, id]);
  const called = data?.record ? kind.nameOf(data.record) : null;
  const title = called ? html`<bdi>${called}</bdi>` : t(id === null ? `admin.new.${name}` : `admin.kind.${name}`);
  const back = { href: `/admin/directory/${name}`, text: t(`admin.kind.${name}`) };
  return html`<${Page} title=${title} heard=${called} back=${back}>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${!data && !error && html`<${Loading} />`}
    ${data && html`<${Editor} key=${`${name} ${id}`} name=${name} kind=${kind} read=${data} />`}
  <//>`;
}

/** What is edited: the record as it was read (`base`), what was made of it (`draft`), and what can be done with it. */
function useRecord(name, kind, read) {
  const [base, setBase] = useState(read);
  const clean = fieldsOf(kind, base.record ?? kind.fresh);
  const [draft, setDraft] = useState(clean);
  const [state, setState] = useState({ ...AT_REST, saved: place.peek().query.get('saved') === '1' });
  const failed = (error) => {
    const newer = newerOf(error);
    setState({ ...AT_REST, error: newer === undefined ? error : null, newer });
  };
  const take = async (stored) => {
    setBase(stored);
    setDraft(fieldsOf(kind, stored.record));
    setState({ ...AT_REST, saved: true });
    // A new record has an address of its own once it is there.
    if (!base.record) await go(`${addressOf(name, keyOf(kind.path, stored.record))}?saved=1`, { replace: true, force: true });
  };
  const save = async (fields, from) => {
    const tidy = kind.tidy ? kind.tidy(fields) : fields;
    const id = from.record ? keyOf(kind.path, from.record) : kind.key(tidy);
    if (!from.record && isThere(kind, id)) {
      setState({ ...AT_REST, exists: id });
      return;
    }
    setState({ ...AT_REST, busy: true });
    await write(kind, id, from.sequence, tidy).then(take, failed);
  };
  const leave = () => go(`/admin/directory/${name}`, { replace: true, force: true });
  const drop = async () => {
    setState({ ...AT_REST, busy: true });
    await remove(kind, keyOf(kind.path, base.record), base.sequence).then(leave, failed);
  };
  return { base, draft, setDraft, clean, dirty: !same(draft, clean), state, rest: () => setState(AT_REST), save, take, drop, leave };
}

/** Whether a record of this id is known: a new one must not be put over it. */
const isThere = (kind, id) => (listOf(kind.path).records ?? []).some(({ record }) => keyOf(kind.path, record) === id);

function Editor({ name, kind, read }) {
  const it = useRecord(name, kind, read);
  const { base, draft, setDraft, state } = it;
  const readOnly = !mayAdminister.value;
  useGuard(it.dirty);
  const submit = (event) => {
    event.preventDefault();
    it.save(draft, base);
  };
  return html`<form class="editor" onSubmit=${submit}>
    ${readOnly && html`<p class="hint">${t('admin.records.read_only')}</p>`}
    ${kind.fields.map((field) => html`<${Field} key=${field.name} field=${field} value=${draft[field.name]} base=${base.record}
      readOnly=${readOnly} onChange=${(value) => setDraft((before) => ({ ...before, [field.name]: value }))} />`)}
    ${state.error && html`<${Problem} error=${state.error} />`}
    ${state.exists && html`<p class="problem" role="alert">${t('admin.records.exists')} <a href=${addressOf(name, state.exists)}>${t('admin.records.open_it')}</a></p>`}
    ${!readOnly && html`<${Actions} it=${it} kind=${kind} />`}
  </form>
  ${state.newer !== undefined && html`<${Conflict} kind=${kind} base=${it.clean} mine=${draft} newer=${state.newer}
      onCancel=${it.rest} onTheirs=${() => (state.newer ? it.take(state.newer) : it.leave())}
      onSave=${(fields) => { setDraft(fields); it.save(fields, state.newer ?? { sequence: 0, record: base.record }); }} />`}`;
}

function Actions({ it, kind }) {
  const { base, dirty, state } = it;
  const drop = async () => {
    const text = t('admin.records.remove_text', { name: kind.nameOf(base.record) });
    if (await confirm({ title: t('admin.records.remove_title'), text, yes: t('admin.records.remove'), danger: true })) it.drop();
  };
  return html`<div class="editor-actions">
    <button type="submit" class="primary" disabled=${state.busy || !dirty}>${state.busy ? t('admin.saving') : t('admin.save')}</button>
    <button type="button" class="secondary" disabled=${state.busy || !dirty} onClick=${() => it.setDraft(it.clean)}>${t('admin.records.undo')}</button>
    <span role="status" class="hint">${dirty ? t('admin.records.unsaved') : state.saved ? t('admin.saved') : ''}</span>
    ${base.record && !base.record.built_in && html`<button type="button" class="danger-outline push-end" disabled=${state.busy}
      onClick=${drop}>${t('admin.records.remove')}</button>`}
  </div>`;
}

function useGuard(dirty) {
  useEffect(() => {
    if (!dirty) return undefined;
    return guardLeaving(() => confirm({
      title: t('admin.records.leave_title'),
      text: t('admin.records.leave_text'),
      yes: t('admin.records.leave'),
      no: t('admin.records.stay'),
      danger: true,
    }));
  }, [dirty]);
}
