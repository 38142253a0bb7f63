// What a till asks of the server. It must not know what is shown.

import { Later } from './till-queue.js';

const PATIENCE_MS = 5_000;
const SENDING_PATIENCE_MS = 15_000;
// The server remembers the ids of movements for seven days.
const REMEMBERED_MS = 6 * 24 * 3_600_000;
const CLOCKS_APART_MS = 24 * 3_600_000;
// What the server says of its own clock has no more than seconds.
const CLOCK_ERROR_MS = 5_000;

/** The token may not do what a till does: `status` says whether it is none at all. */
export class BadToken extends Error {
  constructor(status) {
    super('bad token');
    this.status = status;
  }
}

const encoded = encodeURIComponent;

export class Server {
  #token;
  #mark;
  #batchMax = Infinity;
  #aheadMs;

  constructor(token) {
    this.#token = token;
  }

  async #ask(method, path, body, headers = {}, patience = PATIENCE_MS) {
    const answer = await fetch(path, {
      method,
      headers: { ...headers, authorization: `Bearer ${this.#token}` },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
      cache: 'no-store',
    });
    const { status } = answer;
    const time = Date.parse(answer.headers.get('date'));
    if (time) this.#aheadMs = Date.now() - time;
    return { status, body: await answer.json(), after: answer.headers.get('retry-after') };
  }

  async #read(path) {
    const { status, body } = await this.#ask('GET', path);
    if (status === 401 || status === 403) throw new BadToken(status);
    if (status !== 200) throw new Error(`${path}: ${status}`);
    return body;
  }

  /** Items by part of a name or SKU, or by barcode. */
  async items(by, text, limit) {
    return (await this.#read(`/v1/items?${by}=${encoded(text)}&limit=${limit}`)).items;
  }

  /** All items, a thousand at a time and not more than `most`. */
  async allItems(most) {
    const items = [];
    for (let after = ''; after !== null && items.length < most; ) {
      const from = after && `&after=${encoded(after)}`;
      const page = await this.#read(`/v1/items?limit=1000${from}`);
      items.push(...page.items);
      after = page.next;
    }
    return items.slice(0, most);
  }

  async locations() {
    return (await this.#read('/v1/locations?limit=1000')).items;
  }

  /** Paid orders of this name that are not yet handed over. */
  async orders(order) {
    const path = `/v1/reservations?order=${encoded(order)}&state=confirmed&limit=10`;
    return (await this.#read(path)).items;
  }

  /** Which token it is, without its being readable from what is kept. */
  async #tokenMark() {
    const bytes = new TextEncoder().encode(this.#token);
    const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return [...hash.slice(0, 8)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** Sends entries of the queue, in their order, and brings each as it is now. */
  async send(batch, queue) {
    this.#mark ??= await this.#tokenMark();
    const known = await this.#alreadyRecorded(batch[0]);
    if (known) return [{ ...batch[0], state: 'done' }];
    const doubted = batch.findIndex((entry, index) => index > 0 && this.#isDoubtful(entry));
    const most = Math.min(this.#batchMax, doubted < 0 ? Infinity : doubted);
    if (this.#aheadMs === undefined) await this.#askTime();
    const timed = batch.slice(0, most).map((entry) => this.#timed(entry));
    const sent = await queue.noteSent(timed, this.#mark);
    return sent[0].movement ? this.#record(sent) : this.#handOver(sent[0]);
  }

  async #askTime() {
    await this.#ask('GET', '/v1/locations?limit=1').catch((error) => {
      throw new Later(error);
    });
  }

  /**
   * What has not left yet, by the server's clock: the device's own may be wrong, and what is said
   * to happen later than now is refused.
   */
  #timed(entry) {
    if (entry.sent || !entry.movement || Math.abs(this.#aheadMs) < CLOCK_ERROR_MS) return entry;
    const now = Date.now() - this.#aheadMs;
    const at = Math.min(Date.parse(entry.at) - this.#aheadMs, now);
    const occurred_at = new Date(at).toISOString();
    return { ...entry, movement: { ...entry.movement, occurred_at } };
  }

  async #record(sent) {
    const movements = sent.map(({ movement }) => movement);
    const answer = await this.#sending('/v1/movements', { movements });
    if (answer.status === 200) {
      this.#batchMax = Infinity;
      return answer.body.results.map((result, index) => told(sent[index], result));
    }
    // One that cannot be read spoils the others: each for itself shows which.
    if (sent.length > 1) {
      this.#batchMax = 1;
      return [];
    }
    this.#batchMax = Infinity;
    return [{ ...sent[0], state: 'refused', problem: problemOf(answer.body) }];
  }

  async #handOver(entry) {
    const { reservation, lines } = entry.order;
    const path = `/v1/reservations/${encoded(reservation)}/fulfil`;
    const { status, body } = await this.#sending(path, { lines }, { 'idempotency-key': entry.id });
    if (status === 200) return [{ ...entry, state: 'done' }];
    if (body.code === 'idempotency_in_progress') throw new Later();
    return [{ ...entry, state: 'refused', problem: problemOf(body) }];
  }

  /** A request that is repeated until it is answered for good. */
  async #sending(path, body, headers) {
    let answer;
    try {
      answer = await this.#ask('POST', path, body, headers, SENDING_PATIENCE_MS);
    } catch (error) {
      throw new Later(error);
    }
    const { status, after } = answer;
    if (status === 401 || (status === 403 && answer.body.code === 'forbidden')) {
      throw new BadToken(status);
    }
    // A line that was too slow for it says nothing of what was sent.
    if (status === 408 || status === 429 || status >= 500) {
      throw new Later(answer, after ? after * 1000 : undefined);
    }
    return answer;
  }

  /** Sent before under what the server may no longer know: another token, or too long ago. */
  #isDoubtful({ sent, movement }) {
    return movement && sent && (sent.token !== this.#mark || Date.now() - sent.at > REMEMBERED_MS);
  }

  /** Whether the ledger has it already, where sending it again would not tell. */
  async #alreadyRecorded(entry) {
    if (!this.#isDoubtful(entry)) return false;
    const { sku, location } = entry.movement;
    const ledger = `/v1/stock/${encoded(sku)}/${encoded(location)}/movements?limit=1000`;
    for (let after = ''; after !== null; ) {
      let page;
      try {
        page = await this.#ask('GET', ledger + (after && `&after=${encoded(after)}`));
      } catch (error) {
        throw new Later(error);
      }
      if (page.status === 404) return false;
      if (page.status === 401 || page.status === 403) throw new BadToken(page.status);
      if (page.status !== 200) throw new Later(page);
      const { items, next } = page.body;
      if (items.some(({ id }) => id === entry.id)) return true;
      const oldest = items.at(-1)?.time;
      after = oldest && Date.parse(oldest) > Date.parse(entry.at) - CLOCKS_APART_MS ? next : null;
    }
    return false;
  }
}

function told(entry, result) {
  const { status, oversold, problem } = result;
  if (status === 'retry') return entry;
  if (status === 'refused') return { ...entry, state: 'refused', problem: problemOf(problem) };
  return { ...entry, state: 'done', oversold };
}

/** The problem in words; where it lay in the request says nothing to a clerk. */
const problemOf = ({ code, title, detail = title ?? code } = {}) => ({
  code,
  detail: String(detail).replace(/^\/movements\/\d+\//, ''),
});
