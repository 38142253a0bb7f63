// The store screen: a store's products with live levels and prices, made to hang on a wall for
// weeks. A fixed number of rows shows one page of the list after the other, so neither updates nor
// time make the document grow.

import { anotherToken, BAD_ORIGIN, BAD_TOKEN, badOrigin, filled, lang } from './device.js';
import { name, part, place, say, speak, token } from './device.js';
import { Feed } from './feed.js';
import { clock, money, quantity, text } from './texts.js';

const OLD_MS = 5_000;
const STALE_MS = 120_000;
const TURN_MS = 10_000;
const ROW_PIXELS_MIN = 24;
// A page that hears nothing for so long though the server is there is loaded anew.
const STUCK_MS = 600_000;
const LOOK_MS = 60_000;
// A fresh page once a day takes what a browser or a script gathers over weeks.
const RENEW_MS = 24 * 3_600_000;

const WORDS = {
  en: {
    product: 'Product',
    price: 'Price',
    stock: 'Here now',
    live: 'Live',
    wait: 'Waiting for figures',
    offline: 'No connection. Figures are as of {time}; please ask the staff.',
    never: 'No connection. There are no figures yet; please ask the staff.',
    busy: 'The server has sent this screen away. It tries again in a few minutes.',
    empty: 'Nothing is stocked here yet.',
    leaf: 'leaf through',
    hold: 'hold',
    go: 'go on',
    space: 'Space',
  },
  sv: {
    product: 'Vara',
    price: 'Pris',
    stock: 'Här just nu',
    live: 'Live',
    wait: 'Väntar på uppgifter',
    offline: 'Ingen anslutning. Uppgifterna är från {time}; fråga personalen.',
    never: 'Ingen anslutning. Det finns inga uppgifter ännu; fråga personalen.',
    busy: 'Servern har skickat bort skärmen. Den försöker igen om några minuter.',
    empty: 'Inget finns i lager här ännu.',
    leaf: 'bläddra',
    hold: 'stanna',
    go: 'fortsätt',
    space: 'Blanksteg',
  },
  da: {
    product: 'Vare',
    price: 'Pris',
    stock: 'Her lige nu',
    live: 'Live',
    wait: 'Venter på tal',
    offline: 'Ingen forbindelse. Tallene er fra {time}; spørg personalet.',
    never: 'Ingen forbindelse. Der er ingen tal endnu; spørg personalet.',
    busy: 'Serveren har sendt skærmen væk. Den prøver igen om få minutter.',
    empty: 'Her er intet på lager endnu.',
    leaf: 'bladr',
    hold: 'stop',
    go: 'fortsæt',
    space: 'Mellemrum',
  },
};
const words = speak(WORDS);

class Screen {
  #feed = new Feed(location.origin, () => token('screen'));
  #rows = [];
  #names = new Map(); // SKU → name, in the order shown
  #sorted = true;
  #page = 0;
  #held = false;
  #away;
  #covered = 0;
  #drawing = false;
  #beganAt = Date.now();

  constructor() {
    say(part('place'), name);
    say(part('space'), words.space);
    this.#feed.addEventListener('change', ({ detail }) => this.#changed(detail));
    this.#feed.addEventListener('state', () => this.#gather());
    this.#feed.addEventListener('away', ({ detail }) => this.#sentAway(detail));
    this.#feed.addEventListener('denied', () => this.#askAnew('denied'));
    this.#feed.want(`*@${place}`);
    addEventListener('resize', () => this.#fit());
    addEventListener('keydown', (event) => this.#key(event));
    setInterval(() => this.#held || this.#turn(1), TURN_MS);
    setInterval(() => this.#draw(), OLD_MS);
    setInterval(() => this.#heal(), LOOK_MS * (1 + Math.random() / 4));
    this.#fit();
  }

  /** As many rows as the wall has room for. */
  #fit() {
    const first = this.#rows[0] ?? this.#add();
    const wasHidden = first.row.hidden;
    first.row.hidden = false;
    const top = part('rows').getBoundingClientRect().top + scrollY;
    const footer = document.querySelector('footer').offsetHeight;
    const room = innerHeight - top - Math.max(footer, this.#covered);
    const height = Math.max(ROW_PIXELS_MIN, first.row.getBoundingClientRect().height);
    first.row.hidden = wasHidden;
    const wanted = Math.max(1, Math.floor(room / height));
    while (this.#rows.length < wanted) this.#add();
    while (this.#rows.length > wanted) this.#rows.pop().row.remove();
    this.#draw();
  }

  #add() {
    const row = part('row').content.firstElementChild.cloneNode(true);
    const cell = (selector) => row.querySelector(selector);
    const cells = { row, name: cell('.name'), was: cell('s'), price: cell('.price') };
    Object.assign(cells, { level: cell('.level'), text: cell('.text') });
    cells.figures = [...row.querySelectorAll('.figure')];
    part('rows').append(row);
    this.#rows.push(cells);
    return cells;
  }

  #turn(by) {
    this.#page += by;
    this.#draw();
  }

  #key({ key }) {
    if (key === 'ArrowRight' || key === 'PageDown') this.#turn(1);
    if (key === 'ArrowLeft' || key === 'PageUp') this.#turn(-1);
    if (key === ' ') this.#held = !this.#held;
    this.#draw();
  }

  /** Only a product that is new, gone or renamed moves the others. */
  #changed(skus) {
    for (const sku of skus) {
      const level = this.#level(sku);
      if (this.#names.has(sku) !== Boolean(level)) return this.#gather();
      if (level && this.#names.get(sku) !== this.#name(sku)) return this.#gather();
    }
    this.#draw();
  }

  #level(sku) {
    const [level] = this.#feed.levels(`${sku}@${place}`);
    return level?.removed ? undefined : level;
  }

  #name(sku) {
    return this.#feed.item(sku)?.name ?? sku;
  }

  /** The order is made anew, when it is next drawn. */
  #gather() {
    this.#names.clear();
    for (const { sku, removed } of this.#feed.levels(`*@${place}`)) {
      if (!removed) this.#names.set(sku, this.#name(sku));
    }
    this.#sorted = false;
    this.#draw();
  }

  #order() {
    if (!this.#sorted) {
      const compare = new Intl.Collator(lang, { numeric: true }).compare;
      const named = [...this.#names];
      this.#names = new Map(named.sort(([, a], [, b]) => compare(a, b)));
      this.#sorted = true;
    }
    return [...this.#names.keys()];
  }

  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#render();
    });
  }

  #render() {
    const skus = this.#order();
    const { age, heardAt } = this.#feed;
    const stale = age > STALE_MS;
    const pages = Math.max(1, Math.ceil(skus.length / this.#rows.length));
    this.#page = (this.#page + pages) % pages;
    const from = this.#page * this.#rows.length;
    this.#rows.forEach((cells, index) => this.#fill(cells, skus[from + index], stale));
    this.#shrink();
    say(part('turn'), pages > 1 ? `${this.#page + 1} / ${pages}` : '');
    part('keys').hidden = pages === 1;
    say(part('pausing'), this.#held ? words.go : words.hold);
    part('empty').hidden = !heardAt || skus.length > 0 || stale;
    say(part('now'), clock(Date.now(), lang));
    this.#tellAge(age, heardAt);
  }

  #tellAge(age, heardAt) {
    const time = heardAt ? clock(heardAt, lang) : '';
    const state = age > STALE_MS ? 'stale' : age > OLD_MS ? 'old' : 'live';
    document.body.dataset.state = state;
    const old = heardAt ? text(document.body, 'old', lang, { time }) : words.wait;
    say(part('age'), state === 'live' ? words.live : old);
    const late = heardAt ? state === 'stale' : Date.now() - this.#beganAt > STALE_MS;
    part('banner').hidden = !late && !this.#away;
    const offline = heardAt ? filled(words.offline, { time }) : words.never;
    if (this.#away === BAD_ORIGIN) say(part('banner'), badOrigin());
    else if (late) say(part('banner'), offline);
    else if (this.#away) say(part('banner'), words.busy);
    this.#uncover();
  }

  /** The banner lies over the foot of the page: no row may be behind it. */
  #uncover() {
    const banner = part('banner');
    const covered = banner.hidden ? 0 : innerHeight - banner.getBoundingClientRect().top;
    if (covered === this.#covered) return;
    this.#covered = covered;
    this.#fit();
  }

  #fill(cells, sku, stale) {
    const level = sku === undefined ? undefined : this.#level(sku);
    cells.row.hidden = !level;
    if (!level) return;
    const item = this.#feed.item(sku) ?? {};
    // What is old is no longer a number that anybody may rely on.
    const known = stale ? undefined : level.available;
    const n = known === undefined ? '' : quantity(known, item.unit, lang);
    const plenty = n !== '' && level.status === 'in_stock';
    const status = text(document.body, level.status, lang, { n }, known);
    say(cells.name, this.#names.get(sku));
    say(cells.price, item.current_price ? money(item.current_price, lang) : '');
    const was = item.price && item.price.amount !== item.current_price?.amount;
    say(cells.was, was ? money(item.price, lang) : '');
    cells.level.dataset.status = level.status;
    say(cells.text, plenty ? `${status}: ${n}` : status);
  }

  /** A figure that is cut off reads as another: one without room for it is shown smaller. */
  #shrink() {
    const figures = this.#rows.flatMap((cells) => cells.figures);
    // All are measured before any is changed. A transform moves nothing and does not measure.
    const shares = figures.map((figure) => figure.clientWidth / figure.scrollWidth);
    figures.forEach((figure, index) => {
      figure.style.transform = shares[index] < 1 ? `scale(${shares[index]})` : '';
    });
  }

  async #sentAway(code) {
    this.#away = code;
    this.#draw();
    // A bad token is mended by a person, all else by time.
    if (code === BAD_TOKEN) await this.#askAnew('refused');
  }

  async #askAnew(why) {
    await anotherToken('screen', why);
    location.reload();
  }

  /** A fresh page if this one is stuck or has lived for long, but never for an error page. */
  async #heal() {
    if (this.#away === BAD_TOKEN) return;
    const stuck = this.#away || Math.min(this.#feed.age, Date.now() - this.#beganAt) > STUCK_MS;
    if (!stuck && Date.now() - this.#beganAt < RENEW_MS) return;
    try {
      const answer = await fetch(location.href, { cache: 'no-store' });
      if (answer.ok) location.reload();
    } catch {
      // Still without a network: what is shown stays.
    }
  }
}

/** A wall does not sleep. The lock is lost whenever the page is hidden. */
async function stayAwake() {
  if (document.hidden) return;
  try {
    await navigator.wakeLock?.request('screen');
  } catch {
    // Refused when the battery is low; asked for again when the page is next shown.
  }
}

document.addEventListener('visibilitychange', stayAwake);
stayAwake();
await token('screen');
new Screen();
document.body.dataset.ready = '';
