// The five kinds of records: their fields, how they are listed, and what a new one looks like.
import { label } from '../../shared/i18n.js';
import { uuid } from '../../shared/ids.js';
import { STATION_TYPES } from '../board/arrange.js';
import { jobId, normalNumber } from './job_id.js';

/** What people may type; the gateway's limits. */
const NAME_MAX = 200;
const CODE_MAX = 64;
const NOTE_MAX = 2_000;
const QUANTITY_MAX = 1_000_000_000;

const line = (name, more = {}) => ({ name, type: 'line', max: NAME_MAX, ...more });
const needed = (name, more = {}) => line(name, { required: true, ...more });
const choice = (name, values, words, more = {}) => ({ name, type: 'choice', values, words, required: true, ...more });
const flag = (name, more = {}) => ({ name, type: 'flag', ...more });
const LABELS = [needed('label_he', { language: 'he' }), needed('label_ru', { language: 'ru' }), needed('label_en', { language: 'en' })];

/** Kinds by their name in addresses of pages. `path` is the server's name; `key` names a new record. */
export const KINDS = {
  workers: {
    path: 'worker',
    fields: [
      needed('full_name'),
      line('worker_code', { max: CODE_MAX, secret: true }),
      choice('language', ['auto', 'he', 'ru', 'en'], 'language'),
      choice('role', ['worker', 'admin'], 'worker_role'),
      flag('is_active'),
      { name: 'station_ids', type: 'stations' },
    ],
    columns: ['full_name', 'worker_code', 'language', 'station_ids', 'is_active'],
    fresh: { full_name: '', worker_code: '', language: 'auto', role: 'worker', is_active: true, station_ids: [] },
    key: () => uuid(),
    nameOf: (record) => record.full_name,
  },
  stations: {
    path: 'station',
    fields: [
      needed('name'),
      needed('code', { max: CODE_MAX }),
      choice('station_type', STATION_TYPES, 'station_type'),
      flag('is_active'),
      { name: 'start_checklist', type: 'checklist' },
      { name: 'end_checklist', type: 'checklist' },
    ],
    columns: ['code', 'name', 'station_type', 'start_checklist', 'end_checklist', 'is_active'],
    fresh: { name: '', code: '', station_type: 'other', is_active: true, start_checklist: [], end_checklist: [] },
    key: () => uuid(),
    nameOf: (record) => record.name,
  },
  jobs: {
    path: 'job',
    fields: [
      needed('job_number', { max: CODE_MAX, fixed: true }),
      line('customer_name'),
      { name: 'description', type: 'note', max: NOTE_MAX },
      { name: 'planned_quantity', type: 'number', max: QUANTITY_MAX },
    ],
    columns: ['job_number', 'customer_name', 'planned_quantity', 'description'],
    fresh: { job_number: '', customer_name: null, description: null, planned_quantity: null },
    key: (draft) => jobId(draft.job_number),
    nameOf: (record) => record.job_number,
    tidy: (draft) => ({ ...draft, job_number: normalNumber(draft.job_number) }),
  },
  reasons: {
    path: 'reason',
    fields: [choice('type', ['stop', 'scrap'], 'reason_type'), ...LABELS, flag('is_active')],
    columns: ['label', 'type', 'is_active'],
    fresh: { type: 'stop', label_he: '', label_ru: '', label_en: '', is_active: true },
    key: () => uuid(),
    nameOf: label,
  },
  statuses: {
    path: 'status',
    fields: [
      needed('code', { max: 32, pattern: '[a-z0-9_]{1,32}', fixed: true, isKey: true }),
      ...LABELS,
      { name: 'color', type: 'color', required: true },
      choice('machine_class', ['production', 'setup', 'stoppage'], 'machine_class', { builtInFixed: true }),
      { name: 'station_id', type: 'station', builtInFixed: true },
      flag('requires_reason'),
      flag('is_active', { builtInFixed: true }),
    ],
    columns: ['label', 'code', 'machine_class', 'station_id', 'requires_reason', 'is_active'],
    fresh: {
      code: '', label_he: '', label_ru: '', label_en: '', color: '#2563eb', machine_class: 'stoppage', station_id: null,
      requires_reason: false, is_active: true, built_in: false,
    },
    key: (draft) => draft.code,
    nameOf: label,
  },
};

/** The fields of a record that people edit. */
export const fieldsOf = (kind, record) => Object.fromEntries(kind.fields.map(({ name }) => [name, record[name] ?? kind.fresh[name]]));

/** Whether two values of a field are the same. */
export const same = (one, other) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
