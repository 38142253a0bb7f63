// The till: puts its parts together and gives them their keys.

import { anotherToken, BAD_ORIGIN, BAD_TOKEN, badOrigin, filled, name } from './device.js';
import { part, place, say, speak, token } from './device.js';
import { Feed } from './feed.js';
import { Catalogue, keepPage } from './till-catalogue.js';
import { Finder } from './till-finder.js';
import { ItemPanel } from './till-item.js';
import { Kept } from './till-kept.js';
import { OrderDialog } from './till-order.js';
import { Full, Queue } from './till-queue.js';
import { BadToken, Server } from './till-server.js';
import { WORDS } from './till-words.js';

const LOOK_MS = 5_000;
// Sent away it tries again, and not all tills in the same moment.
const AGAIN_MS = 120_000;

const words = speak(WORDS);
say(part('place'), filled(words.till, { name }));
say(part('keys'), words.keys);
say(part('connection'), words.away);
if (!isSecureContext) await refuseToWork();

const secret = await token('till');
const queue = await Queue.open(place);
const server = new Server(secret);
const catalogue = new Catalogue(server);
const feed = new Feed(location.origin, () => secret);
const finder = new Finder(catalogue, words, (item) => panel.take(item));
const scan = (code) => finder.scan(code);
const panel = new ItemPanel(feed, catalogue, words, { sell, takeBack, scan });
const orders = new OrderDialog(server, catalogue, words, handOver);
const kept = new Kept(queue, words);

/** Without TLS a browser keeps nothing that a till needs. Never returns. */
function refuseToWork() {
  document.querySelector('main').inert = true;
  part('banner').hidden = false;
  say(part('banner'), words.insecure);
  document.body.dataset.ready = '';
  return new Promise(() => {});
}

/** Keeps what happened, and only then says that it did. */
async function keep(kind, what, total, content) {
  // At once: what is scanned next must not end up in the quantity.
  finder.focus();
  part('fault').textContent = '';
  try {
    const entry = await queue.add((id, at) => ({ kind, what, total, ...content(id, at) }));
    const happened = [filled(words[kind], { what }), total].filter(Boolean).join(' · ');
    part('told').textContent = `${happened} · ${filled(words.receipt, { id: entry.id })}`;
  } catch (error) {
    const told = error instanceof Full ? words.full : words.not_kept;
    const fault = filled(told, { n: error.message, detail: error.message });
    part('told').textContent = '';
    part('fault').textContent = fault;
  }
}

function move(kind, { sku, amount, what, total }, more) {
  const { type, condition } = more;
  return keep(kind, what, total, (id, at) => ({
    movement: { id, type, condition, sku, location: place, quantity: amount, occurred_at: at },
  }));
}

function sell(sold) {
  return move('sale', sold, { type: 'sale' });
}

function takeBack(back) {
  const dialog = part('returning');
  say(part('returning-words'), filled(words.take_back_of, { what: back.what }));
  dialog.querySelector('[value=sellable]').checked = true;
  dialog.returnValue = '';
  dialog.addEventListener(
    'close',
    () => {
      if (dialog.returnValue !== 'take') return;
      const condition = dialog.querySelector(':checked').value;
      const kind = condition === 'damaged' ? 'return_damaged' : 'return';
      move(kind, back, { type: 'return', condition });
    },
    { once: true },
  );
  dialog.showModal();
}

function handOver({ reservation, lines, what }) {
  return keep('fulfil', what, undefined, () => ({ order: { reservation, lines } }));
}

const KEYS = {
  F4: () => panel.takeBack(),
  F8: () => orders.open(),
  F9: () => kept.open(),
  Escape: () => finder.focus(),
};

addEventListener('keydown', (event) => {
  // A dialog has its own keys: Enter goes on, Esc closes it.
  if (document.querySelector('dialog[open]') || event.isComposing) return;
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act();
    return;
  }
  // A scanner types wherever the cursor is; what is no field is no place for it.
  const types = event.key.length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey;
  if (types && event.key !== ' ' && document.activeElement?.tagName !== 'INPUT') {
    part('search').focus();
  }
});
part('hand-over').addEventListener('click', () => orders.open());

let away;
function tellConnection() {
  const live = feed.age === 0;
  document.body.dataset.state = live ? 'live' : 'stale';
  say(part('connection'), live ? words.live : words.away);
  const held = live && queue.isHeldUp;
  part('banner').hidden = live && !held;
  const offline = away === BAD_ORIGIN ? badOrigin() : words.offline;
  if (!live || held) say(part('banner'), held ? words.held : offline);
}

let wasLive = false;
function lookAgain() {
  if (feed.live && !wasLive) queue.wake();
  wasLive = feed.live;
  tellConnection();
}

async function askAnew(why) {
  await anotherToken('till', why);
  location.reload();
}

feed.addEventListener('change', lookAgain);
feed.addEventListener('state', () => (away = undefined));
feed.addEventListener('away', ({ detail }) => {
  away = detail;
  tellConnection();
  // A bad token is mended by a person, all else by time.
  if (detail === BAD_TOKEN) askAnew('refused');
  else setTimeout(() => feed.again(), AGAIN_MS * (1 + Math.random() / 4));
});
queue.addEventListener('change', tellConnection);
addEventListener('online', () => queue.wake());
setInterval(() => {
  tellConnection();
  panel.render();
}, LOOK_MS);
feed.want(`*@${place}`);

document.body.dataset.ready = '';
finder.focus();
// What is kept here is money: the browser is asked not to clear it away.
navigator.storage?.persist?.();
catalogue.start().then(keepPage);
queue
  .sendWith((batch) => server.send(batch, queue))
  .catch((error) => {
    if (!(error instanceof BadToken)) throw error;
    askAnew(error.status === 401 ? 'refused' : 'denied');
  });
