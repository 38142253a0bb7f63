// The store screen over a long time: hours without a network, then a million updates. Neither may
// leave anything behind.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';

import { launch, open, quiet } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';
import { Relay } from './harness/relay.js';
import { openStores } from './harness/retailer.js';

const PRODUCTS = 500;
const HOURS = 8;
const STEP_MS = 30_000;
const UPDATES = 1_000_000;
// As many as a tick of the service brings together.
const LEVELS_IN_FRAME = 20;
// The page answers a ping once it has read all that came before it.
const UPDATES_BETWEEN_PINGS = 20_000;
const HEAP_BYTES_MAX = 50_000_000;

let server;
let browser;
let relay;
let socket;
const versions = new Array(PRODUCTS).fill(1);

const sku = (number) => `p-${number}`;
const level = (number, version) => ({
  sku: sku(number),
  location: 'malmo',
  version,
  status: version % 3 ? 'in_stock' : 'limited',
  ...(version % 3 ? {} : { available: 1 + (version % 3) }),
  at: new Date(1_800_000_000_000 + version).toISOString(),
});
const item = (number) => {
  const price = { amount: '300.00', currency: 'SEK' };
  return { sku: sku(number), name: `Product ${number}`, price, current_price: price };
};

/** What the service says to one who has a token and asks for a whole store. */
function play(opened) {
  socket = opened;
  const say = (frame) => opened.send(JSON.stringify(frame));
  const welcome = { type: 'welcome', epoch: 'e', ping_seconds: 25, max_keys: 200 };
  say(welcome);
  opened.on('message', (text) => {
    const { op, id } = JSON.parse(text);
    if (op === 'hello') say(welcome);
    if (op === 'subscribe') {
      const numbers = [...versions.keys()];
      const levels = numbers.map((number) => level(number, versions[number]));
      const items = numbers.map(item);
      say({ type: 'state', id, levels, items, unknown: [], denied: [], last: true });
    }
  });
}

before(async () => {
  [server, browser] = await Promise.all([Onhand.serve(), launch()]);
  await openStores(server);
  relay = new Relay(server, play);
  await relay.start();
});
after(async () => {
  await browser?.close();
  await relay?.stop();
  await server?.close();
});

/** What the page holds once all that can go has gone. */
async function held(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const { nodes } = await session.send('Memory.getDOMCounters');
  return { usedSize, nodes };
}

/** Sends updates as fast as the page takes them. */
async function flood(count) {
  for (let sent = 0; sent < count; sent += LEVELS_IN_FRAME) {
    const levels = Array.from({ length: LEVELS_IN_FRAME }, (_, index) => {
      const number = (sent + index) % PRODUCTS;
      versions[number] += 1;
      return level(number, versions[number]);
    });
    socket.send(JSON.stringify({ type: 'update', levels, conflated: 0 }));
    if ((sent + LEVELS_IN_FRAME) % UPDATES_BETWEEN_PINGS === 0) {
      const answered = once(socket, 'message');
      socket.send('{"type":"ping"}');
      const [pong] = await answered;
      assert.equal(JSON.parse(pong).op, 'pong');
    }
  }
}

/** Nothing may grow between two looks, and the heap stays small. */
function constant(t, before, after) {
  for (const [when, { usedSize, nodes }] of Object.entries({ before, after })) {
    t.diagnostic(`${when}: ${(usedSize / 1e6).toFixed(1)} MB of heap, ${nodes} nodes`);
  }
  assert.ok(after.usedSize <= HEAP_BYTES_MAX, `${after.usedSize} bytes of heap`);
  assert.equal(after.nodes, before.nodes);
}

test('eight hours without a network leave nothing behind, and the screen comes back', async (t) => {
  const expected = [/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/];
  const { page, context, errors } = await open(browser, 'about:blank', { locale: 'en', expected });
  await page.clock.install();
  await page.goto(`${relay.url}/screen/malmo#token=any`);
  await page.getByText('Product 1', { exact: true }).waitFor();
  const session = await context.newCDPSession(page);
  const pass = async (hours) => {
    for (let gone = 0; gone < hours * 3_600_000; gone += STEP_MS) await page.clock.runFor(STEP_MS);
  };

  await relay.stop();
  await pass(0.25);
  await page.getByText('please ask the staff').waitFor();
  const before = await held(session);
  await pass(HOURS);
  const after = await held(session);
  await relay.start();
  await page.clock.runFor(2 * STEP_MS);
  await page.locator('body[data-state=live]').waitFor();
  await page.getByText('please ask the staff').waitFor({ state: 'hidden' });
  constant(t, before, after);
  quiet(errors);
  await context.close();
});

test('a million updates leave nothing behind, and the last of each is shown', async (t) => {
  const { page, context, errors } = await open(browser, `${relay.url}/screen/malmo#token=any`);
  await page.getByText('Product 1', { exact: true }).waitFor();
  const session = await context.newCDPSession(page);
  await flood(2 * UPDATES_BETWEEN_PINGS);
  const before = await held(session);
  await flood(UPDATES);
  const after = await held(session);
  await page.keyboard.press('Space');
  const number = Number((await page.locator('tbody .name').first().innerText()).split(' ')[1]);
  const shown = versions[number] % 3 ? 'In stock' : 'left';
  await page.locator('tbody .text').first().filter({ hasText: shown }).waitFor();
  constant(t, before, after);
  quiet(errors);
  await context.close();
});
