// One connection to Onhand's live feed (protocol `onhand.v1`), shared by all who ask on a page.
// It keeps the newest level of each key, resumes without loss, and knows no markup.
//
// Events: `change` (detail: the SKUs that changed; none: the connection did), `state` (a subscribe
// was answered in full), `denied` (detail: the keys that the token may not follow), `away` (detail:
// the close code with which the server sent us away).

const SILENCE_GRACE_MS = 8_000;
const HIDDEN_MS = 60_000;
const RETRY_BASE_MS = 500;
const RETRY_MAX_MS = 30_000;
// The server takes 20 frames a second of 16 KiB each, with a token of 256 KiB.
const PLAN_MS = 150;
const FRAME_KEYS = 50;
const FRAME_ROOM = 12_000;
const TOKEN_FRAME_ROOM = 200_000;

/** Full jitter: clients that lost the same server must not come back in the same moment. */
export const backoff = (attempt) =>
  Math.random() * Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** attempt);

const nameOf = ({ sku, location }) => `${sku}@${location}`;

const covers = (key, { sku, location }) =>
  [`${sku}@${location}`, `${sku}@*`, `*@${location}`].includes(key);

export class Feed extends EventTarget {
  #url;
  #token;
  #socket;
  // Key → how many want it.
  #keys = new Map();
  // What this connection was asked for.
  #asked = new Set();
  // SKU@LOCATION → level.
  #levels = new Map();
  // SKU → item.
  #items = new Map();
  // Keys that are not stocked.
  #unknown = new Set();
  // Levels there was no room to say that we have.
  #doubted = new Set();
  #epoch;
  #keysMax;
  #attempt = 0;
  #ids = 0;
  #pingMs = 25_000;
  #notBefore = 0;
  #away = false;
  #retry;
  #silence;
  #hidden;
  #plan;
  /** When the server was last heard, in milliseconds of `Date.now()`; 0: never. */
  heardAt = 0;
  /** Whether what is known is being kept up to date. */
  live = false;

  /** `server` is an origin; `token` a function that brings one. */
  constructor(server, token) {
    super();
    this.#url = new URL('/v1/feed', server);
    this.#url.protocol = this.#url.protocol.replace('http', 'ws');
    this.#token = token;
    addEventListener('pagehide', () => this.#close());
    addEventListener('pageshow', () => this.#wake());
    addEventListener('online', () => this.#wake());
    addEventListener('offline', () => this.live && this.#lost());
    document.addEventListener('visibilitychange', () => {
      clearTimeout(this.#hidden);
      if (document.hidden) this.#hidden = setTimeout(() => this.#close(), HIDDEN_MS);
      else this.#wake();
    });
  }

  /** How old what is known may be, in milliseconds. */
  get age() {
    const age = Date.now() - this.heardAt;
    return this.live && age < this.#pingMs + SILENCE_GRACE_MS ? 0 : age;
  }

  item(sku) {
    return this.#items.get(sku);
  }

  /** The levels a key or pattern stands for. */
  levels(key) {
    if (!key.includes('*')) return [this.#levels.get(key)].filter(Boolean);
    return [...this.#levels.values()].filter((level) => covers(key, level));
  }

  /** Whether the server said that nothing is stocked under a key. */
  unknown(key) {
    return this.#unknown.has(key);
  }

  want(key) {
    this.#keys.set(key, (this.#keys.get(key) ?? 0) + 1);
    this.#soon();
  }

  unwant(key) {
    const left = this.#keys.get(key) - 1;
    if (left > 0) this.#keys.set(key, left);
    else this.#keys.delete(key);
    this.#soon();
  }

  /** Comes back though it was sent away: what was wrong may be mended. */
  again() {
    this.#away = false;
    this.#connect();
  }

  /** Many elements ask in one turn of the page; the server hears of them together. */
  #soon() {
    this.#plan ??= setTimeout(
      () => {
        this.#plan = undefined;
        if (this.live) this.#subscribe();
        else this.#connect();
      },
      this.live ? PLAN_MS : 0,
    );
  }

  #subscribe() {
    const gone = [...this.#asked].filter((key) => !this.#keys.has(key));
    if (gone.length) this.#send({ op: 'unsubscribe', keys: gone });
    for (const key of gone) {
      this.#asked.delete(key);
      this.#unknown.delete(key);
      for (const level of this.levels(key)) this.#forget(level);
    }
    const keys = [...this.#keys.keys()].filter((key) => !this.#asked.has(key));
    keys.splice(Math.max(0, this.#keysMax - this.#asked.size));
    while (keys.length) {
      const some = keys.splice(0, FRAME_KEYS);
      const have = {};
      let room = (this.#token ? TOKEN_FRAME_ROOM : FRAME_ROOM) - JSON.stringify(some).length;
      for (const key of some) {
        this.#asked.add(key);
        for (const level of this.levels(key)) {
          const name = nameOf(level);
          room -= JSON.stringify([name, level.version]).length;
          if (room > 0) have[name] = level.version;
          else if (!(name in have)) this.#doubted.add(name);
        }
      }
      this.#send({ op: 'subscribe', id: ++this.#ids, keys: some, have });
    }
  }

  /** Nobody tells us of this level any more, unless another key stands for it too. */
  #forget(level) {
    const wanted = [...this.#keys.keys()];
    if (!wanted.some((key) => covers(key, level))) {
      this.#levels.delete(nameOf(level));
    }
    if (!wanted.some((key) => key[0] === '*' || key.startsWith(`${level.sku}@`))) {
      this.#items.delete(level.sku);
    }
  }

  /** Back in view or on a network: a socket that slept too long is not worth waiting for. */
  #wake() {
    if (this.live && this.age) this.#close();
    // Before anybody looks: what is shown may be older than what may be relied on.
    this.#tell('change', new Set());
    this.#connect();
  }

  #connect() {
    clearTimeout(this.#retry);
    if (this.#socket || this.#away || !this.#keys.size || document.hidden) return;
    const wait = this.#notBefore - Date.now();
    if (wait > 0) {
      this.#retry = setTimeout(() => this.#connect(), wait);
      return;
    }
    const socket = (this.#socket = new WebSocket(this.#url, 'onhand.v1'));
    const mine = (listener) => (event) => socket === this.#socket && listener(event);
    // With a token the server welcomes twice: before the hello and after it.
    let welcomes = this.#token ? 2 : 1;
    socket.onopen = mine(async () => {
      if (!this.#token) return;
      const token = await this.#token();
      if (socket === this.#socket) this.#send({ op: 'hello', token });
    });
    socket.onmessage = mine(({ data }) => {
      const frame = JSON.parse(data);
      this.heardAt = Date.now();
      this.#listen();
      if (frame.type !== 'welcome' || --welcomes === 0) this.#take(frame);
    });
    socket.onclose = mine(({ code }) => this.#lost(code));
    this.#listen();
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** An open socket proves nothing; only what it brings does. */
  #listen() {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#lost(), this.#pingMs + SILENCE_GRACE_MS);
  }

  #take(frame) {
    const { type } = frame;
    if (type === 'ping') return this.#send({ op: 'pong' });
    if (type === 'going_away') return this.#lost(undefined, frame.retry_after_ms);
    if (type === 'welcome') this.#welcome(frame);
    const changed = new Set();
    for (const item of frame.items ?? [frame.item].filter(Boolean)) {
      this.#items.set(item.sku, item);
      changed.add(item.sku);
    }
    for (const key of frame.unknown ?? []) {
      this.#unknown.add(key);
      // What it had is gone, and nobody was there to be told.
      for (const level of this.levels(key)) this.#levels.delete(nameOf(level));
      changed.add(key.split('@')[0]);
    }
    if (frame.denied?.length) this.#tell('denied', frame.denied);
    for (const level of frame.levels ?? []) {
      const key = nameOf(level);
      this.#doubted.delete(key);
      if (this.#levels.get(key)?.version >= level.version) continue;
      this.#levels.set(key, level);
      changed.add(level.sku);
    }
    if (type === 'state' && frame.last) {
      // Answers come in their order: what none of them told is there no more.
      if (frame.id === this.#ids) {
        for (const key of this.#doubted) {
          this.#levels.delete(key);
          changed.add(key.split('@')[0]);
        }
        this.#doubted.clear();
      }
      this.#attempt = 0;
      this.#tell('state');
    }
    if (changed.size || type === 'welcome') this.#tell('change', changed);
  }

  #welcome({ epoch, ping_seconds, max_keys }) {
    if (this.#epoch !== epoch) this.#levels.clear();
    this.#epoch = epoch;
    this.#unknown.clear();
    this.#pingMs = ping_seconds * 1000;
    this.#keysMax = max_keys;
    this.live = true;
    this.#subscribe();
  }

  /** Closes, and comes back unless the server said to stay away. */
  #lost(code, after) {
    this.#close();
    this.#away = code >= 4500 && code < 5000;
    if (this.#away) return this.#tell('away', code);
    if (after) this.#notBefore = Date.now() + after;
    this.#retry = setTimeout(() => this.#connect(), after ?? backoff(this.#attempt++));
  }

  #close() {
    const socket = this.#socket;
    this.#socket = undefined;
    clearTimeout(this.#silence);
    clearTimeout(this.#retry);
    this.#asked.clear();
    this.#doubted.clear();
    this.live = false;
    socket?.close();
    this.#tell('change', new Set());
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
