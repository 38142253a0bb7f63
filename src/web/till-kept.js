// What is kept on the device, as people see it: how much waits, what happened last, what was
// refused. It must not know how anything is sent.

import { filled, lang, part, say } from './device.js';
import { clock } from './texts.js';

const LATEST_MAX = 8;
// A list that nobody reads to its end need not be whole; the numbers are.
const ENTRIES_SHOWN_MAX = 100;

const element = (kind, words, className = '') =>
  Object.assign(document.createElement(kind), { textContent: words, className });

export class Kept {
  #queue;
  #words;
  #turn = 0;

  constructor(queue, words) {
    Object.assign(this, { dialog: part('keeping') });
    this.#queue = queue;
    this.#words = words;
    queue.addEventListener('change', () => this.render());
    part('kept').addEventListener('click', () => this.open());
    part('keeping-close').addEventListener('click', () => this.dialog.close());
    this.render();
  }

  open() {
    if (!this.dialog.open) this.dialog.showModal();
    part('keeping-close').focus();
  }

  async render() {
    const turn = ++this.#turn;
    const [entries, done] = await Promise.all([this.#queue.entries(), this.#queue.done()]);
    if (turn !== this.#turn) return;
    const waiting = entries.filter(({ state }) => state === 'waiting').length;
    const refused = entries.length - waiting;
    const told = [
      waiting && filled(this.#words.kept_some, { n: waiting }),
      refused && filled(this.#words.kept_refused, { n: refused }),
    ].filter(Boolean);
    say(part('kept-words'), told.join(' · ') || this.#words.kept_none);
    part('kept').dataset.kept = refused ? 'refused' : waiting ? 'waiting' : 'none';
    say(part('keeping-told'), entries.length ? this.#words.kept_told : this.#words.kept_none);
    const shown = entries.toSorted((a, b) => (a.state === b.state ? 0 : a.state < b.state ? -1 : 1));
    shown.splice(ENTRIES_SHOWN_MAX);
    part('entries').replaceChildren(...shown.map((entry) => this.#entry(entry)));
    const latest = [...entries, ...done].sort((a, b) => b.number - a.number);
    part('latest').replaceChildren(...latest.slice(0, LATEST_MAX).map((one) => this.#line(one)));
  }

  #line(entry) {
    const { id, at, state, oversold, kind, what, total } = entry;
    const line = document.createElement('li');
    line.dataset.state = state;
    const happened = [filled(this.#words[kind], { what }), total].filter(Boolean).join(' · ');
    const became = this.#words[oversold ? 'oversold' : state];
    const receipt = filled(this.#words.receipt, { id });
    const facts = [clock(Date.parse(at), lang), receipt, became].join(' · ');
    line.append(element('strong', happened), ' ', element('span', facts, 'soft'));
    return line;
  }

  #entry(entry) {
    const line = this.#line(entry);
    if (entry.state !== 'refused') return line;
    const again = element('button', this.#words.again);
    const settle = element('button', this.#words.settle);
    again.addEventListener('click', () => this.#queue.again(entry));
    settle.addEventListener('click', () => this.#queue.settle(entry));
    const buttons = element('div', '', 'buttons');
    buttons.append(again, settle);
    line.append(element('p', entry.problem.detail, 'fault'), buttons);
    return line;
  }
}
