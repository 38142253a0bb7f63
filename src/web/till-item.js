// The item in a clerk's hands: what it costs, how many there are here and nearby, and what is done
// with it. It must not know how a sale is kept or sent.

import { isPositive, times } from './decimal.js';
import { filled, lang, name, part, place, say } from './device.js';
import { clock, money, quantity, text } from './texts.js';
import { BARCODE } from './till-finder.js';

const STALE_MS = 120_000;
const PLACES_MAX = 12;
const QUANTITY = /^\d{1,12}(?:[.,]\d+)?$/;

/** So much of an item, as people say it. */
export const goods = (item, amount) => {
  const much = quantity(amount, item.unit, lang);
  return item.unit && item.unit !== 'each' ? `${much} ${item.name}` : `${much} × ${item.name}`;
};

function priced({ currency, amount }, count) {
  const format = new Intl.NumberFormat(lang, { style: 'currency', currency });
  const digits = format.resolvedOptions().maximumFractionDigits;
  return money({ amount: times(amount, count, digits), currency }, lang);
}

export class ItemPanel {
  #feed;
  #catalogue;
  #words;
  #on;
  #item;

  /** `on.sell`, `on.takeBack` are given the item, an amount and words; `on.scan` a barcode. */
  constructor(feed, catalogue, words, on) {
    this.#feed = feed;
    this.#catalogue = catalogue;
    this.#words = words;
    this.#on = on;
    feed.addEventListener('change', ({ detail }) => {
      if (this.#item && (!detail.size || detail.has(this.#item.sku))) this.render();
    });
    part('quantity').addEventListener('input', () => this.#tellTotal());
    part('sale').addEventListener('submit', (event) => {
      event.preventDefault();
      const typed = part('quantity').value.trim();
      // The scanner types wherever the cursor is; nobody sells ten million of anything.
      if (BARCODE.test(typed)) return this.#on.scan(typed);
      this.#act((...sold) => this.#on.sell(...sold));
    });
    part('return').addEventListener('click', () => this.takeBack());
  }

  /** Shows an item, ready to be sold once. */
  take(item) {
    if (this.#item) this.#feed.unwant(`${this.#item.sku}@*`);
    this.#item = item;
    this.#feed.want(`${item.sku}@*`);
    part('item').hidden = false;
    part('nothing').hidden = true;
    say(part('name'), item.name);
    const attributes = Object.values(item.attributes ?? {});
    say(part('facts'), [item.sku, ...attributes].join(' · '));
    say(part('unit'), item.unit === 'each' ? '' : item.unit);
    part('quantity').value = '1';
    part('fault').textContent = '';
    this.render();
    part('quantity').focus();
    part('quantity').select();
  }

  takeBack() {
    if (this.#item) this.#act((...back) => this.#on.takeBack(...back));
  }

  /** What was typed, as an exact decimal; undefined if it is none. */
  #amount() {
    const typed = part('quantity').value.trim();
    const amount = typed.replace(',', '.');
    if (!QUANTITY.test(typed) || !isPositive(amount)) {
      part('fault').textContent = this.#words.bad_quantity;
      return undefined;
    }
    const decimals = amount.split('.')[1]?.length ?? 0;
    if (decimals > this.#item.decimals) {
      part('fault').textContent = filled(this.#words.bad_decimals, { n: this.#item.decimals });
      return undefined;
    }
    part('fault').textContent = '';
    return amount;
  }

  #act(done) {
    const amount = this.#amount();
    if (amount === undefined) return part('quantity').select();
    const { sku } = this.#item;
    const price = this.#price();
    done({ sku, amount, what: goods(this.#item, amount), total: price && priced(price, amount) });
  }

  #price() {
    return (this.#feed.item(this.#item.sku) ?? this.#item).current_price;
  }

  #tellTotal() {
    const typed = part('quantity').value.trim().replace(',', '.');
    const price = this.#price();
    const sound = QUANTITY.test(typed) && !BARCODE.test(typed);
    const total = sound && price ? priced(price, typed) : '–';
    say(part('total'), filled(this.#words.total, { total }));
  }

  render() {
    if (!this.#item) return;
    const item = this.#feed.item(this.#item.sku) ?? this.#item;
    const { price, current_price: now } = item;
    say(part('price'), now ? money(now, lang) : '');
    say(part('was'), price && price.amount !== now?.amount ? money(price, lang) : '');
    const { age, heardAt } = this.#feed;
    const levels = this.#nearestFirst();
    part('levels').replaceChildren(...levels.map((level) => this.#row(level, age > STALE_MS)));
    const time = heardAt && clock(heardAt, lang);
    const old = levels.length ? filled(this.#words.old, { time }) : this.#words.unknown_stock;
    say(part('age'), age ? old : '');
    this.#tellTotal();
  }

  /** This store, then the others by their distance, then those that are nowhere. */
  #nearestFirst() {
    const { sku } = this.#item;
    const levels = this.#feed.levels(`${sku}@*`).filter(({ removed }) => !removed);
    if (this.#feed.live && !levels.some(({ location }) => location === place)) {
      levels.push({ sku, location: place, status: 'unknown' });
    }
    const far = levels.map((level) => {
      const here = level.location === place;
      return { ...level, km: here ? -1 : this.#catalogue.distance(place, level.location) };
    });
    far.sort((a, b) => (a.km ?? Infinity) - (b.km ?? Infinity) || 0);
    return far.slice(0, PLACES_MAX);
  }

  #row({ location, status, available, km }, stale) {
    const row = document.createElement('tr');
    const here = location === place;
    const [store, way, level] = ['th', 'td', 'td'].map((kind) => document.createElement(kind));
    store.scope = 'row';
    store.textContent = here
      ? filled(this.#words.here, { name })
      : this.#catalogue.name(location);
    const unit = { style: 'unit', unit: 'kilometer', maximumFractionDigits: 0 };
    way.textContent = km > 0 ? new Intl.NumberFormat(lang, unit).format(km) : '';
    const dot = document.createElement('span');
    dot.className = 'dot';
    level.dataset.status = status;
    const exact = available !== undefined && !stale;
    const words = text(document.body, status, lang);
    const count = exact ? quantity(available, this.#item.unit, lang) : words;
    const figure = document.createElement('span');
    figure.className = 'figure';
    const end = `${count} `.indexOf(' ');
    figure.append(dot, ' ', count.slice(0, end));
    level.append(figure, count.slice(end));
    level.className = exact ? 'exact' : '';
    if (exact) level.title = words;
    row.className = here ? 'here' : '';
    row.append(store, way, level);
    return row;
  }
}
