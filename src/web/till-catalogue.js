// What a till knows of items and places without a network: a copy from when there was one. It must
// not know stock, which is never known without asking.

import { minus } from './decimal.js';

// About 10 MB; a larger catalogue is found only with a network.
const ITEMS_MAX = 20_000;
/** How many items a search brings at most. */
export const FOUND_MAX = 20;
const RENEW_MS = 3_600_000;
const EARTH_KM = 6_371;
const CACHE = 'onhand-till';

export class Catalogue {
  #server;
  #items = new Map();
  locations = [];

  constructor(server) {
    this.#server = server;
  }

  /** Reads the copy, and makes a new one now and every hour as long as the page lives. */
  async start() {
    this.#take(await kept('items'), await kept('locations'));
    setInterval(() => this.#renew(), RENEW_MS * (1 + Math.random() / 4));
    await this.#renew();
  }

  async #renew() {
    try {
      const items = await this.#server.allItems(ITEMS_MAX);
      const locations = await this.#server.locations();
      this.#take(items, locations);
      await keep('items', items);
      await keep('locations', locations);
    } catch {
      // Without a network, or without room: what is known stays.
    }
  }

  #take(items = [], locations = []) {
    this.#items = new Map(items.map((item) => [item.sku, item]));
    this.locations = locations;
  }

  item(sku) {
    return this.#items.get(sku);
  }

  /** Items with this text in their name or SKU. */
  async search(text) {
    const found = await this.#server.items('query', text, FOUND_MAX).catch(() => {
      const low = text.toLowerCase();
      const has = ({ sku, name }) => `${sku} ${name}`.toLowerCase().includes(low);
      return [...this.#items.values()].filter(has);
    });
    return found.filter(({ archived }) => !archived).slice(0, FOUND_MAX);
  }

  /** Items with this barcode, or else the one with this SKU. */
  async scan(code) {
    const items = [...this.#items.values()];
    const known = () => items.filter(({ barcodes }) => barcodes.includes(code));
    const found = await this.#server.items('barcode', code, FOUND_MAX).catch(known);
    if (found.length) return found;
    const named = [...(await this.search(code)), this.item(code)];
    return named.filter((item) => item?.sku === code).slice(0, 1);
  }

  /** Kilometres between two locations, if it is known where they are. */
  distance(a, b) {
    const [from, to] = [a, b].map((id) => this.locations.find(({ location }) => location === id));
    if (from?.latitude == null || to?.latitude == null) return undefined;
    const radians = (degrees) => (degrees * Math.PI) / 180;
    const half = (left, right) => Math.sin(radians(Number(minus(left, right))) / 2) ** 2;
    const around = Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude));
    const chord =
      half(from.latitude, to.latitude) + around * half(from.longitude, to.longitude);
    return 2 * EARTH_KM * Math.asin(Math.sqrt(chord));
  }

  name(id) {
    return this.locations.find(({ location }) => location === id)?.name ?? id;
  }
}

const address = (what) => `/till/~${what}`;

async function kept(what) {
  const answer = await (await caches.open(CACHE)).match(address(what));
  return answer?.json();
}

async function keep(what, value) {
  await (await caches.open(CACHE)).put(address(what), Response.json(value));
}

/** Keeps this page and all it loaded, so that it comes up without a network. */
export async function keepPage() {
  const loaded = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname);
  const files = loaded.filter((path) => path.startsWith('/web/'));
  try {
    await navigator.serviceWorker.register('/web/till-worker.js', { scope: '/till/' });
    await (await caches.open(CACHE)).addAll([location.pathname, ...new Set(files)]);
  } catch {
    // Without a network now; what was kept before stays.
  }
}
