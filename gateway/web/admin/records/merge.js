// Two people edited the same record: what differs, and what both together would be. No page here.
import { same } from './kinds.js';

/** Fields with entries that can be put together one by one; how an entry is named. */
const ENTRY_KEYS = { stations: (id) => id, checklist: (item) => item.id };

/** What differs between mine and theirs, as `{field, mine, theirs, both, proposed}`. `proposed` is 'mine' or 'theirs'
 * where only one of us changed it, and null where both did: then a person has to choose. */
export function differences(fields, base, mine, theirs) {
  return fields
    .filter((field) => !same(mine[field.name], theirs[field.name]))
    .map((field) => {
      const [was, my, their] = [base[field.name], mine[field.name], theirs[field.name]];
      const proposed = same(my, was) ? 'theirs' : same(their, was) ? 'mine' : null;
      const keyOf = ENTRY_KEYS[field.type];
      return { field, mine: my, theirs: their, proposed, both: keyOf && proposed === null ? together(was, my, their, keyOf) : null };
    });
}

/** Their list with what I added, changed and took out. */
export function together(was, mine, theirs, keyOf) {
  const [before, my] = [byKey(was, keyOf), byKey(mine, keyOf)];
  const kept = theirs.filter((entry) => my.has(keyOf(entry)) || !before.has(keyOf(entry)));
  const merged = kept.map((entry) => {
    const changed = my.get(keyOf(entry));
    return changed !== undefined && !same(changed, before.get(keyOf(entry))) ? changed : entry;
  });
  const there = byKey(theirs, keyOf);
  const added = mine.filter((entry) => !before.has(keyOf(entry)) && !there.has(keyOf(entry)));
  return [...merged, ...added];
}

const byKey = (list, keyOf) => new Map((list ?? []).map((entry) => [keyOf(entry), entry]));

/** The record as it was chosen: theirs, with mine where mine was taken. */
export function resolved(theirs, found, choices) {
  const chosen = { ...theirs };
  for (const { field, mine, both } of found) {
    if (choices[field.name] === 'mine') chosen[field.name] = mine;
    if (choices[field.name] === 'both') chosen[field.name] = both;
  }
  return chosen;
}
