// The items of a checklist: each is ticked, or answered with words. What is answered is kept until it is sent.
import { html, useEffect, useState } from '../../shared/html.js';
import { get } from '../../shared/api.js';
import { label, t } from '../../shared/i18n.js';
import { recall, remember } from '../../shared/storage.js';
import { where } from '../whereabouts.js';
import { Icon } from './icon.js';
import { useLoad } from './load.js';

const ANSWER_MAX = 2_000;

/** The list as the server has it now; when it cannot be asked, as the station came with it. */
export function useChecklist(kind) {
  const { station } = where.value;
  const { data, error, loading, reload } = useLoad((signal) => get(`/api/checklists?stationId=${station.id}&kind=${kind}`, undefined, { signal }), [station.id, kind]);
  const known = station[`${kind}_checklist`];
  return { items: data?.checklist?.items ?? (error ? known : null), error, loading, reload };
}

/** Answers by item: {[id]: {tick, text}}; they survive a reload. */
export function useAnswers(kind) {
  const kept = `andon.answers.${where.peek().session.id}.${kind}`;
  const [answers, setAnswers] = useState(() => {
    try {
      return JSON.parse(recall(kept, 'sessionStorage') ?? '{}') ?? {};
    } catch {
      return {};
    }
  });
  const change = (id, part) => setAnswers((before) => ({ ...before, [id]: { ...before[id], ...part } }));
  useEffect(() => remember(kept, JSON.stringify(answers), 'sessionStorage'), [answers]);
  return [answers, change];
}

const isAnswered = (answer) => Boolean(answer?.tick || answer?.text?.trim());

/** How many required items have no answer yet. */
export const missing = (items, answers) => items.filter((item) => item.is_required && !isAnswered(answers[item.id])).length;

/** The answers as the server takes them. */
export const responsesOf = (items, answers) => items.filter((item) => isAnswered(answers[item.id])).map((item) => {
  const { tick, text } = answers[item.id];
  return { item_id: item.id, value_bool: Boolean(tick), ...(text?.trim() && { value_text: text.trim() }) };
});

/** The items. */
export function Items({ items, answers, onChange, disabled }) {
  return html`<ol class="items" role="list">${items.map((item) => html`<${Item} key=${item.id} item=${item} answer=${answers[item.id]} onChange=${(part) => onChange(item.id, part)} disabled=${disabled} />`)}</ol>`;
}

function Item({ item, answer, onChange, disabled }) {
  const [writing, setWriting] = useState(Boolean(answer?.text));
  const words = label(item);
  const id = `item-${item.id}`;
  return html`<li class="item" data-answered=${isAnswered(answer) ? 'yes' : 'no'}>
    <label class="item-tick" for=${id}>
      <input type="checkbox" id=${id} checked=${Boolean(answer?.tick)} disabled=${disabled} aria-required=${item.is_required ? 'true' : 'false'} onChange=${(event) => onChange({ tick: event.currentTarget.checked })} />
      <span class="item-words"><bdi>${words}</bdi>${item.is_required ? html` <span class="required">${t('worker.list.required')}</span>` : null}</span>
    </label>
    <button type="button" class="quiet icon-only" aria-label=${t('worker.list.write', { item: words })} aria-expanded=${writing ? 'true' : 'false'} disabled=${disabled} onClick=${() => setWriting(!writing)}><${Icon} name="pen" /></button>
    ${writing && html`<textarea class="item-text" rows="2" maxlength=${ANSWER_MAX} aria-label=${t('worker.list.text', { item: words })} dir="auto" disabled=${disabled}
      value=${answer?.text ?? ''} onInput=${(event) => onChange({ text: event.currentTarget.value })}></textarea>`}
  </li>`;
}
