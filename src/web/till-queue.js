// What happened at a till and the server has not yet answered for. An entry and the counter that
// names it are on the disk before anybody is told of the sale; it is sent under that name until
// the server answers, so that it counts once however often it is sent. It must not know how
// anything is shown, nor what the server is asked: `send` does that.
//
// Several tabs of one till share the entries. The browser lets one of them send at a time; when
// that one ends, be it killed, the next one goes on.

import { backoff } from './feed.js';

// A till without a network sells for days before it meets this.
const ENTRIES_MAX = 5_000;
const DONE_MAX = 100;
const BATCH_MAX = 100;

/** The server cannot be asked now: all that waits goes on waiting. */
export class Later extends Error {
  constructor(cause, afterMs) {
    super('later', { cause });
    this.afterMs = afterMs;
  }
}

/** A till that kept as much as it may. */
export class Full extends Error {}

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const settled = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });

export class Queue extends EventTarget {
  #database;
  #news;
  #wake = () => {};
  #woken = false;
  #attempt = 0;
  /** This device's part of the names. */
  device;
  /** The server could not be asked the last time. */
  isHeldUp = false;

  /** The queue of this browser's till for a place. */
  static async open(place) {
    const queue = new Queue();
    const name = `onhand-till-${place}`;
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => {
      const database = opening.result;
      database.createObjectStore('device');
      database.createObjectStore('entries', { keyPath: 'number' });
      database.createObjectStore('done', { keyPath: 'number' });
    };
    queue.#database = await asked(opening);
    queue.#news = new BroadcastChannel(name);
    queue.#news.onmessage = ({ data }) => queue.#heard(data);
    queue.name = name;
    queue.device = (await queue.#identify()).id;
    return queue;
  }

  #begin(stores) {
    const transaction = this.#database.transaction(stores, 'readwrite', { durability: 'strict' });
    return [transaction, ...stores.map((store) => transaction.objectStore(store))];
  }

  async #identify() {
    const [transaction, device] = this.#begin(['device']);
    const known = await asked(device.get('device'));
    const own = known ?? { id: crypto.randomUUID().slice(0, 8), counter: 0 };
    if (!known) device.put(own, 'device');
    await settled(transaction);
    return own;
  }

  /** Keeps what happened: `make` is given its id. Once this returns, no crash undoes it. */
  async add(make) {
    const [transaction, device, entries] = this.#begin(['device', 'entries']);
    const own = await asked(device.get('device'));
    if ((await asked(entries.count())) >= ENTRIES_MAX) {
      transaction.abort();
      throw new Full(String(ENTRIES_MAX));
    }
    const number = own.counter + 1;
    device.put({ ...own, counter: number }, 'device');
    const id = `till-${own.id}-${String(number).padStart(6, '0')}`;
    const at = new Date().toISOString();
    const entry = { number, id, at, state: 'waiting', ...make(id, at) };
    entries.put(entry);
    await settled(transaction);
    this.#tell('new');
    return entry;
  }

  #read(store, ...query) {
    return asked(this.#database.transaction(store).objectStore(store).getAll(...query));
  }

  /** All that is not yet answered for, or was refused; the oldest first. */
  entries() {
    return this.#read('entries');
  }

  /** What was answered for lately. */
  done() {
    return this.#read('done');
  }

  /** A person wants a refused entry to be sent once more. */
  async again(entry) {
    await this.#change([{ ...entry, state: 'waiting', problem: undefined }], []);
    this.#tell('new');
  }

  /** A person has settled a refused entry otherwise. */
  settle(entry) {
    return this.#change([], [{ ...entry, state: 'settled' }]);
  }

  async #change(kept, done) {
    const [transaction, entries, finished] = this.#begin(['entries', 'done']);
    for (const entry of kept) entries.put(entry);
    for (const entry of done) {
      entries.delete(entry.number);
      finished.put(entry);
    }
    const numbers = await asked(finished.getAllKeys());
    numbers.slice(0, -DONE_MAX).forEach((number) => finished.delete(number));
    await settled(transaction);
    this.#tell('answered');
  }

  #tell(what) {
    this.#news.postMessage(what);
    this.#heard(what);
  }

  #heard(what) {
    this.dispatchEvent(new Event('change'));
    if (what === 'new') this.wake();
  }

  /** There may be something to send, or somebody to send it to. */
  wake() {
    this.#woken = true;
    this.#wake();
  }

  /**
   * Sends what waits, in order, for as long as this tab lives. `send` is given entries of one
   * kind and returns each as it is now: done, refused or still waiting; it throws `Later`.
   */
  sendWith(send) {
    return navigator.locks.request(`${this.name}-sender`, async () => {
      for (;;) {
        this.#woken = false;
        const wait = await this.#pass(send);
        if (!this.#woken) await this.#sleep(wait);
      }
    });
  }

  /** Until there is news; a sleep that is not for ever ends by itself. */
  #sleep(wait) {
    return new Promise((resolve) => {
      const timer = wait === undefined ? undefined : setTimeout(resolve, wait);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Sends until nothing waits, or says how long to wait before the next try. */
  async #pass(send) {
    try {
      for (;;) {
        const batch = await this.#batch();
        if (!batch.length) return undefined;
        const answered = await send(batch);
        const [done, kept] = [[], []];
        for (const entry of answered) (entry.state === 'done' ? done : kept).push(entry);
        await this.#change(kept, done);
        if (kept.some(({ state }) => state === 'waiting')) throw new Later();
        this.#heldUp(false);
      }
    } catch (error) {
      if (!(error instanceof Later)) throw error;
      this.#heldUp(true);
      return error.afterMs ?? backoff(this.#attempt++);
    }
  }

  #heldUp(is) {
    if (!is) this.#attempt = 0;
    if (this.isHeldUp === is) return;
    this.isHeldUp = is;
    this.dispatchEvent(new Event('change'));
  }

  /** The oldest that wait, as many of one kind as go in one request. */
  async #batch() {
    const waiting = (await this.entries()).filter(({ state }) => state === 'waiting');
    const [first] = waiting;
    if (!first?.movement) return waiting.slice(0, 1);
    const other = waiting.findIndex(({ movement }) => !movement);
    return waiting.slice(0, Math.min(BATCH_MAX, other < 0 ? BATCH_MAX : other));
  }

  /** Notes on the disk, before a request leaves, that these may have arrived as they are now. */
  async noteSent(batch, token) {
    const note = { token, at: Date.now() };
    const sent = batch.map((entry) => ({ ...entry, sent: entry.sent ?? note }));
    const [transaction, entries] = this.#begin(['entries']);
    for (const entry of sent) entries.put(entry);
    await settled(transaction);
    return sent;
  }
}
