// What the tablet keeps: commands that wait, commands that were refused, the last known state, and the lease of the tab
// that sends. In IndexedDB; where a browser keeps nothing, in memory, and `keeps` says so.
import { signal } from '../../shared/html.js';

const NAME = 'andon';
const VERSION = 1;
/** Deleting a browser's data blocks an opening for as long as another tab is open. */
const OPEN_WITHIN_MS = 3_000;

/** Whether what is put here survives a reload. */
export const keeps = signal(true);

function make(event) {
  const db = event.target.result;
  const commands = db.createObjectStore('commands', { keyPath: 'order', autoIncrement: true });
  commands.createIndex('worker', 'worker');
  db.createObjectStore('refused', { keyPath: 'id' }).createIndex('worker', 'worker');
  db.createObjectStore('known', { keyPath: 'key' });
  db.createObjectStore('leases', { keyPath: 'name' });
}

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, VERSION);
    request.onupgradeneeded = make;
    request.onsuccess = () => {
      // Another tab with a newer page may change the shape: it must not wait for this one.
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    setTimeout(() => reject(new Error('the database does not open')), OPEN_WITHIN_MS);
  });
}

let opening = null;
async function database() {
  opening ??= Promise.resolve().then(open).catch(() => {
    keeps.value = false;
    return null;
  });
  return opening;
}

const settled = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const finished = (transaction) => new Promise((resolve, reject) => {
  transaction.oncomplete = resolve;
  transaction.onerror = transaction.onabort = () => reject(transaction.error);
});

/** Stores of a browser that keeps nothing. */
const memory = { commands: new Map(), refused: new Map(), known: new Map(), leases: new Map() };
const KEYS = { commands: 'order', refused: 'id', known: 'key', leases: 'name' };
let lastOrder = 0;

/** Puts a record in; resolves with its key when it is kept. */
export async function put(store, record) {
  const db = await database();
  if (!db) {
    const key = record[KEYS[store]] ?? (lastOrder += 1);
    memory[store].set(key, { ...record, [KEYS[store]]: key });
    return key;
  }
  const transaction = db.transaction(store, 'readwrite');
  const key = settled(transaction.objectStore(store).put(record));
  await finished(transaction);
  return key;
}

/** Takes records out. */
export async function remove(store, ...keys) {
  const db = await database();
  if (!db) return keys.forEach((key) => memory[store].delete(key));
  const transaction = db.transaction(store, 'readwrite');
  keys.forEach((key) => transaction.objectStore(store).delete(key));
  return finished(transaction);
}

/** One record, or undefined. */
export async function read(store, key) {
  const db = await database();
  if (!db) return memory[store].get(key);
  return settled(db.transaction(store).objectStore(store).get(key));
}

/** Every record of a worker, in the order they were put in. */
export async function ofWorker(store, worker) {
  const db = await database();
  if (!db) return [...memory[store].values()].filter((record) => record.worker === worker);
  return settled(db.transaction(store).objectStore(store).index('worker').getAll(worker));
}

/** The workers that have commands waiting. */
export async function workersWaiting() {
  const db = await database();
  const all = db ? await settled(db.transaction('commands').objectStore('commands').getAll()) : [...memory.commands.values()];
  return [...new Set(all.map((record) => record.worker))];
}

/** What `exchange` does with a record instead of putting another in its place. */
export const REMOVE = Symbol('remove');

/** Reads a record, asks `change` for the next, and puts that in, as one step. `change` may say null (leave it) or REMOVE. */
export async function exchange(store, key, change) {
  const db = await database();
  if (!db) {
    const next = change(memory[store].get(key));
    if (next === REMOVE) memory[store].delete(key);
    else if (next) memory[store].set(key, next);
    return next;
  }
  const transaction = db.transaction(store, 'readwrite');
  const records = transaction.objectStore(store);
  const next = change(await settled(records.get(key)));
  if (next === REMOVE) records.delete(key);
  else if (next) records.put(next);
  await finished(transaction);
  return next;
}
