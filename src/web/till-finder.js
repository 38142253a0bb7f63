// Finding an item at the till: by typing part of its name, or by a scanner, which types its barcode
// and ends with Enter. It must not know what is done with the item.

import { filled, lang, part } from './device.js';
import { money } from './texts.js';
import { FOUND_MAX } from './till-catalogue.js';

const PAUSE_MS = 150;
/** What can only be a barcode: digits of the usual lengths. */
export const BARCODE = /^\d{8,14}$/;

export class Finder {
  #catalogue;
  #words;
  #take;
  #found = [];
  #active = 0;
  #moved = false;
  #asked = 0;
  #answered = '';
  #pause;

  /** `take` is given the item that was chosen. */
  constructor(catalogue, words, take) {
    this.#catalogue = catalogue;
    this.#words = words;
    this.#take = take;
    const field = part('search');
    field.addEventListener('input', () => {
      clearTimeout(this.#pause);
      part('results').ariaBusy = 'true';
      this.#pause = setTimeout(() => this.#search(), PAUSE_MS);
    });
    field.addEventListener('keydown', (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!by || !this.#found.length) return;
      event.preventDefault();
      this.#activate((this.#active + by + this.#found.length) % this.#found.length, true);
    });
    part('find').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#enter();
    });
  }

  /** Ready for the next one. */
  focus() {
    part('search').focus();
    part('search').select();
  }

  #text() {
    return part('search').value.trim();
  }

  /** What was chosen from the list; else what was typed may be a code, whoever typed it. */
  #enter() {
    clearTimeout(this.#pause);
    const text = this.#text();
    const first = this.#answered === text && this.#found[this.#active];
    if (first && this.#moved) return this.#chosen(first);
    // Digits that name nothing must not sell what has them somewhere in its name.
    return this.scan(text, !BARCODE.test(text) && first);
  }

  #chosen(item) {
    part('search').value = '';
    this.#show([], '');
    this.#take(item);
  }

  async #search() {
    const [text, turn] = [this.#text(), ++this.#asked];
    if (!text) return this.#show([], '');
    const found = await this.#catalogue.search(text);
    // Answers may overtake each other.
    if (turn !== this.#asked) return;
    this.#answered = text;
    const { found: few, found_many: many, found_none, found_no_code } = this.#words;
    const none = BARCODE.test(text) ? found_no_code : found_none;
    const words = found.length < FOUND_MAX ? few : many;
    this.#show(found, filled(found.length ? words : none, { n: found.length, code: text }));
  }

  /** A code was scanned, wherever the cursor was; if it is none, `chosen` was meant, or a name. */
  async scan(code, chosen) {
    const turn = ++this.#asked;
    const found = code ? await this.#catalogue.scan(code) : [];
    if (turn !== this.#asked) return;
    if (found.length === 1) return this.#chosen(found[0]);
    if (!found.length && chosen) return this.#chosen(chosen);
    part('search').value = code;
    if (BARCODE.test(code)) this.focus();
    if (!found.length) return this.#search();
    this.#answered = code;
    this.#show(found, '');
  }

  #show(found, told) {
    this.#found = found;
    part('results').ariaBusy = 'false';
    part('found').textContent = told;
    part('results').replaceChildren(...found.map((item, index) => this.#option(item, index)));
    part('search').ariaExpanded = String(found.length > 0);
    this.#activate(0);
  }

  #option(item, index) {
    const option = document.createElement('li');
    Object.assign(option, { id: `option-${index}`, role: 'option' });
    const [name, facts] = [document.createElement('strong'), document.createElement('span')];
    name.textContent = item.name;
    const price = item.current_price && money(item.current_price, lang);
    facts.textContent = [item.sku, price].filter(Boolean).join(' · ');
    option.append(name, ' ', facts);
    option.addEventListener('click', () => this.#chosen(item));
    return option;
  }

  #activate(index, moved = false) {
    this.#active = index;
    this.#moved = moved;
    const options = [...part('results').children];
    options.forEach((option, at) => (option.ariaSelected = String(at === index)));
    const active = options[index];
    if (active) part('search').setAttribute('aria-activedescendant', active.id);
    else part('search').removeAttribute('aria-activedescendant');
    active?.scrollIntoView({ block: 'nearest' });
  }
}
