// Handing over what was ordered and paid elsewhere and is collected here. It must not know how the
// hand-over is kept or sent.

import { isPositive, minus } from './decimal.js';
import { filled, part, place } from './device.js';
import { goods } from './till-item.js';
import { BadToken } from './till-server.js';

/** What of a reservation is still to be handed over here. */
function here({ lines }) {
  const open = lines.filter(({ location }) => location === place);
  const left = ({ sku, location, quantity, fulfilled, cancelled }) => {
    const rest = minus(minus(quantity, fulfilled), cancelled);
    return { sku, location, quantity: rest };
  };
  return open.map(left).filter(({ quantity }) => isPositive(quantity));
}

export class OrderDialog {
  #server;
  #catalogue;
  #words;
  #give;
  #found = [];

  /** `give` is given what is handed over: a reservation, its lines, words. */
  constructor(server, catalogue, words, give) {
    Object.assign(this, { dialog: part('ordering') });
    this.#server = server;
    this.#catalogue = catalogue;
    this.#words = words;
    this.#give = give;
    part('order').addEventListener('input', () => this.#show([], ''));
    part('order-close').addEventListener('click', () => this.dialog.close());
    part('order-form').addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#found.length) this.#handOver();
      else this.#look();
    });
  }

  open() {
    part('order').value = '';
    this.#show([], '');
    this.dialog.showModal();
    part('order').focus();
  }

  async #look() {
    const order = part('order').value.trim();
    if (!order) return;
    let reservations;
    try {
      reservations = await this.#server.orders(order);
      // A shop shows its numbers in capitals, and who types them may not.
      const capitals = order.toUpperCase();
      if (!reservations.length && capitals !== order) {
        reservations = await this.#server.orders(capitals);
      }
    } catch (error) {
      const { order_denied, order_away } = this.#words;
      return this.#show([], error instanceof BadToken ? order_denied : order_away);
    }
    if (part('order').value.trim() !== order) return;
    const found = reservations.map((one) => ({ reservation: one.id, lines: here(one), order }));
    const open = found.filter(({ lines }) => lines.length);
    const told = open.length ? this.#words.order_found : this.#words.order_none;
    this.#show(open, filled(told, { order }));
  }

  #what(lines) {
    return lines.map(({ sku, quantity }) => {
      const item = this.#catalogue.item(sku) ?? { name: sku };
      return goods(item, quantity);
    });
  }

  #show(found, told) {
    this.#found = found;
    part('order-told').textContent = told;
    const lines = found.flatMap((one) => this.#what(one.lines));
    const entries = lines.map((line) => {
      const entry = document.createElement('li');
      entry.textContent = line;
      return entry;
    });
    part('order-lines').replaceChildren(...entries);
    const { order_give, order_find } = this.#words;
    part('order-go').textContent = found.length ? order_give : order_find;
  }

  #handOver() {
    const found = this.#found;
    this.#found = [];
    this.dialog.close();
    for (const one of found) this.#give({ ...one, what: this.#what(one.lines).join(', ') });
  }
}
