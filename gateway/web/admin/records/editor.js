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

/** The page; `id` is null for a new record. */
export function EditorPage({ name, id }) {
  const kind = KINDS[name];
  useEffect(() => keepFresh(['station', kind.path]), [kind]);
  const { data, error, reload } = useLoad((signal) => (id === null ? Promise.resolve({ sequence: 0, record: null }) : get(`/api/admin/directory/${kind.path}/${encodeURIComponent(id)}`, undefined, { signal })), [name, id]);
  const title = data?.record ? html`<bdi>${kind.nameOf(data.record)}</bdi>` : t(id === null ? `admin.new.${name}` : `admin.kind.${name}`);
  return html`<${Page} title=${title} heard=${data?.record ? kind.nameOf(data.record) : null} back=${{ href: `/admin/directory/${name}`, text: t(`admin.kind.${name}`) }}>
    ${error && html`<${Problem} error=${error} retry=${reload} />`}
    ${!data && !error && html`<${Loading} />`}
    ${data && html`<${Editor} key=${`${name} ${id}`} name=${name} kind=${kind} read=${data} />`}
  <//>`;
}

function Editor({ name, kind, read }) {
  const [base, setBase] = useState(read);
  const [draft, setDraft] = useState(() => fieldsOf(kind, read.record ?? kind.fresh));
  const [state, setState] = useState({ busy: false, error: null, saved: place.peek().query.get('saved') === '1', newer: undefined });
  const clean = fieldsOf(kind, base.record ?? kind.fresh);
  const dirty = !same(draft, clean);
  const readOnly = !mayAdminister.value;
  useGuard(dirty);
  const took = async (stored) => {
    setBase(stored);
    setDraft(fieldsOf(kind, stored.record));
    setState({ busy: false, error: null, saved: true, newer: undefined });
    // A new record has an address of its own once it is there.
    if (!base.record) await go(`/admin/directory/${name}/${encodeURIComponent(keyOf(kind.path, stored.record))}?saved=1`, { replace: true, force: true });
  };
  const save = async (fields, from) => {
    setState({ busy: true, error: null, saved: false, newer: undefined });
    const tidy = kind.tidy ? kind.tidy(fields) : fields;
    const id = from.record ? keyOf(kind.path, from.record) : kind.key(tidy);
    if (!from.record && isThere(kind, id)) {
      setState({ busy: false, error: null, exists: id, saved: false, newer: undefined });
      return;
    }
    try {
      await took(await write(kind, id, from.sequence, tidy));
    } catch (error) {
      setState({ busy: false, error: newerOf(error) === undefined ? error : null, saved: false, newer: newerOf(error) });
    }
  };
  const drop = async () => {
    const sure = await confirm({ title: t('admin.records.remove_title'), text: t('admin.records.remove_text', { name: kind.nameOf(base.record) }), yes: t('admin.records.remove'), danger: true });
    if (!sure) return;
    setState({ busy: true, error: null, saved: false, newer: undefined });
    try {
      await remove(kind, keyOf(kind.path, base.record), base.sequence);
      go(`/admin/directory/${name}`, { replace: true, force: true });
    } catch (error) {
      setState({ busy: false, error: newerOf(error) === undefined ? error : null, saved: false, newer: newerOf(error) });
    }
  };
  const submit = (event) => {
    event.preventDefault();
    save(draft, base);
  };
  return html`<form class="editor" onSubmit=${submit}>
    ${readOnly && html`<p class="hint">${t('admin.records.read_only')}</p>`}
    ${kind.fields.map((field) => html`<${Field} key=${field.name} field=${field} value=${draft[field.name]} base=${base.record} readOnly=${readOnly} onChange=${(value) => setDraft((before) => ({ ...before, [field.name]: value }))} />`)}
    ${state.error && html`<${Problem} error=${state.error} />`}
    ${state.exists && html`<p class="problem" role="alert">${t('admin.records.exists')} <a href=${`/admin/directory/${name}/${encodeURIComponent(state.exists)}`}>${t('admin.records.open_it')}</a></p>`}
    ${!readOnly && html`<div class="editor-actions">
      <button type="submit" class="primary" disabled=${state.busy || !dirty}>${state.busy ? t('admin.saving') : t('admin.save')}</button>
      <button type="button" class="secondary" disabled=${state.busy || !dirty} onClick=${() => setDraft(clean)}>${t('admin.records.undo')}</button>
      <span role="status" class="hint">${state.saved && !dirty ? t('admin.saved') : dirty ? t('admin.records.unsaved') : ''}</span>
      ${base.record && !base.record.built_in && html`<button type="button" class="danger-outline push-end" disabled=${state.busy} onClick=${drop}>${t('admin.records.remove')}</button>`}
    </div>`}
    ${state.newer !== undefined && html`<${Conflict} kind=${kind} base=${clean} mine=${draft} newer=${state.newer}
      onCancel=${() => setState({ busy: false, error: null, saved: false, newer: undefined })}
      onTheirs=${() => (state.newer ? took(state.newer) : go(`/admin/directory/${name}`, { replace: true, force: true }))}
      onSave=${(fields) => { setDraft(fields); save(fields, state.newer ?? { sequence: 0, record: state.newer === null ? base.record : null }); }} />`}
  </form>`;
}

/** Whether a record of this id is known: a new one must not be put over it. */
const isThere = (kind, id) => (listOf(kind.path).records ?? []).some(({ record }) => keyOf(kind.path, record) === id);

function useGuard(dirty) {
  useEffect(() => {
    if (!dirty) return undefined;
    return guardLeaving(() => confirm({ title: t('admin.records.leave_title'), text: t('admin.records.leave_text'), yes: t('admin.records.leave'), no: t('admin.records.stay'), danger: true }));
  }, [dirty]);
}
