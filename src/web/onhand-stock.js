// <onhand-stock sku="…" location="…">server-rendered text</onhand-stock>
//
// Enhances the text in it with the live level of a product at a location, or the best of several.
// What can be set is told at /docs/component.

import { Feed } from './feed.js';
import { clock, language, money, quantity, text } from './texts.js';

const OLD_MS = 5_000;
const STALE_SECONDS = 120;
const ANNOUNCE_MS = 250;
// Its two names come without spaces around them.
const KEY = /^[ -$&-)+\--?A-~]{1,64}@[ -$&-)+\--?A-~]{1,64}$/;

/** What an element shows changed: the level, and whether it is too old to be relied on. */
export class OnhandChangeEvent extends Event {
  constructor(level, stale) {
    super('onhand-change', { bubbles: true, composed: true });
    Object.assign(this, level, { stale });
  }
}

// Every part has its place from the beginning, so that nothing moves when figures come.
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  :host { display: inline-block; white-space: nowrap }
  :host([hidden]) { display: none }
  span { display: inline-block }
  [part=dot] { inline-size: .6em; block-size: .6em; margin-inline-end: .4em; border-radius: 50%;
    background: var(--onhand-out-of-stock, #c62828) }
  :host([state=in_stock]) [part=dot] { background: var(--onhand-in-stock, #2e7d32) }
  :host([state=limited]) [part=dot] { background: var(--onhand-limited, #b45309) }
  :host(:not([state])) [part=dot], :host(:not([old])) [part=age] { visibility: hidden }
  :host([state=unknown]) [part=dot] { background: none; box-shadow: inset 0 0 0 .1em }
  [part=text] { min-inline-size: var(--onhand-text-size, 7em) }
  [part=age] { min-inline-size: var(--onhand-age-size, 6em); font-size: .85em }
  :host(:not([price])) [part=price], :host(:not([price])) [part=was] { display: none }
  [part=price] { min-inline-size: 1em }
  [part=was] { font-size: .85em }
  [part=was]:not(:empty) { margin-inline-start: .4em }
  [part=was] span { position: absolute; inline-size: 1px; overflow: hidden; clip-path: inset(50%) }
  @media (prefers-reduced-motion: no-preference) { [part=dot] { transition: background .3s } }
`);

// One connection for each server, however many elements.
const feeds = new Map();
function feedOf(server) {
  if (!feeds.has(server)) {
    const feed = new Feed(server);
    feed.addEventListener('change', ({ detail }) => {
      for (const element of elements) element.changed(feed, detail);
    });
    feeds.set(server, feed);
  }
  return feeds.get(server);
}

const elements = new Set();
const watch = new IntersectionObserver(
  (entries) => entries.forEach(({ target, isIntersecting }) => target.show(isIntersecting)),
  { rootMargin: '200px' },
);

// Figures grow old without anything happening.
setInterval(() => elements.forEach((element) => element.render()), 1_000);

// One polite region for the page, there before it says anything. Nobody sees it; its style is set
// through the object model, because a strict policy refuses style attributes.
let region;
let news = new Map();
let speaking;
function prepareRegion() {
  if (region?.isConnected) return;
  region = document.createElement('div');
  region.role = 'status';
  Object.assign(region.style, { position: 'fixed', clipPath: 'inset(50%)', inset: '0 auto auto 0' });
  document.body.append(region);
}
function announce(element, words) {
  news.set(element, words);
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    prepareRegion();
    region.textContent = [...new Set(news.values())].join('. ');
    news = new Map();
  }, ANNOUNCE_MS);
}

export class OnhandStock extends HTMLElement {
  static observedAttributes = ['sku', 'location', 'server', 'price', 'lang'];
  #parts;
  #feed;
  #keys = [];
  #shown = false;
  #level;
  // When what it shows was new.
  #heardAt;
  #told;
  #status;

  connectedCallback() {
    this.#parts ??= this.#build();
    this.#heardAt ??= Date.now();
    prepareRegion();
    elements.add(this);
    watch.observe(this);
  }

  disconnectedCallback() {
    watch.unobserve(this);
    this.show(false);
    elements.delete(this);
  }

  attributeChangedCallback(name) {
    if (!this.#parts) return;
    if (name === 'price' || name === 'lang') return this.render();
    const shown = this.#shown;
    this.show(false);
    this.#level = this.#status = this.#told = undefined;
    this.removeAttribute('state');
    // Until a level is known, what the server rendered stands.
    this.#heardAt = Date.now();
    this.#parts.text.replaceChildren(document.createElement('slot'));
    this.#set('price', '');
    this.#set('was', '');
    if (shown) this.show(true);
    this.render();
  }

  /** Follows the key while the element is in view. */
  show(visible) {
    if (visible === this.#shown) return;
    this.#shown = visible;
    if (!visible) return this.#keys.forEach((key) => this.#feed.unwant(key));
    this.#feed = feedOf(this.getAttribute('server') || new URL(import.meta.url).origin);
    const locations = (this.getAttribute('location') ?? '').split(',');
    const keys = locations.map((location) => `${this.#sku}@${location.trim()}`);
    // One that is none would have the server refuse those of other elements with it.
    this.#keys = keys.filter((key) => KEY.test(key));
    this.#keys.forEach((key) => this.#feed.want(key));
  }

  /** These SKUs changed at `feed`; none: the connection did. */
  changed(feed, skus) {
    if (feed === this.#feed && (!skus.size || skus.has(this.#sku))) this.render();
  }

  get #sku() {
    return (this.getAttribute('sku') ?? '').trim();
  }

  #build() {
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [sheet];
    const part = (name) => {
      const span = document.createElement('span');
      span.part = name;
      root.append(span);
      return [name, span];
    };
    const parts = Object.fromEntries(['dot', 'text', 'age', 'price', 'was'].map(part));
    parts.text.append(document.createElement('slot'));
    return parts;
  }

  #set(part, words) {
    if (this.#parts[part].textContent !== words) this.#parts[part].textContent = words;
  }

  /** The best of the levels this element stands for. */
  #newest() {
    const all = this.#keys.flatMap((key) => this.#feed.levels(key));
    const levels = all.filter((level) => !level.removed);
    // The alphabet has them in their order: in stock, limited, out of stock.
    levels.sort((a, b) => a.status.localeCompare(b.status));
    const unknown = all.length || this.#keys.every((key) => this.#feed.unknown(key));
    const [sku, location] = this.#keys[0]?.split('@') ?? [];
    return levels[0] ?? (sku && unknown && { sku, location, status: 'unknown' });
  }

  render() {
    // What is not followed, be it for want of room, grows old.
    const news = this.#shown && this.#newest();
    if (news) {
      this.#level = news;
      this.#heardAt = Date.now() - this.#feed.age;
    }
    const level = this.#level;
    const age = Date.now() - this.#heardAt;
    const limit = this.getAttribute('stale-seconds');
    const stale = age > 1000 * (limit?.trim() && limit >= 0 ? limit : STALE_SECONDS);
    const lang = language(this);
    const old = age > OLD_MS;
    this.toggleAttribute('old', old);
    this.toggleAttribute('stale', stale);
    this.#set('age', old ? text(this, 'old', lang, { time: clock(this.#heardAt, lang) }) : '');
    if (!level) {
      if (stale && /\d/.test(this.textContent)) this.#set('text', text(this, 'stale', lang));
      return;
    }
    const item = this.#feed.item(level.sku) ?? {};
    const count = stale || level.status !== 'limited' ? undefined : level.available;
    const n = count === undefined ? '' : quantity(count, item.unit, lang);
    const words = text(this, level.status, lang, { n }, count);
    this.setAttribute('state', level.status);
    this.#set('text', words);
    if (this.hasAttribute('price')) this.#price(item, lang);
    this.#tell(level, stale, item, words);
  }

  #price({ price, current_price: now }, lang) {
    this.#set('price', now ? money(now, lang) : '');
    const before = now && price.amount !== now.amount ? money(price, lang) : '';
    const { was } = this.#parts;
    if ((was.lastChild?.textContent ?? '') === before) return;
    const said = document.createElement('span');
    said.textContent = `${text(this, 'was', lang)} `;
    const struck = document.createElement('s');
    struck.textContent = before;
    was.replaceChildren(...(before ? [said, struck] : []));
  }

  #tell(level, stale, item, words) {
    const told = `${level.location} ${level.version} ${level.status} ${stale}`;
    if (told === this.#told) return;
    this.#told = told;
    this.dispatchEvent(new OnhandChangeEvent(level, stale));
    if (this.#status && this.#status !== level.status) {
      announce(this, `${this.getAttribute('name') || item.name || level.sku}: ${words}`);
    }
    this.#status = level.status;
  }
}

customElements.define('onhand-stock', OnhandStock);
