// The till, as a clerk uses it: with the keyboard alone.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { accessible, launch, open, picture, quiet, steady, WIDTHS } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';
import { until } from './harness/patience.js';
import { Relay } from './harness/relay.js';
import { openStores } from './harness/retailer.js';

let server;
let browser;
let tokens;

before(async () => {
  [server, browser] = await Promise.all([Onhand.serve(), launch()]);
  tokens = await openStores(server);
});
after(() => Promise.all([browser?.close(), server?.close()]));

const stand = (options) =>
  open(browser, `${server.url}/till/malmo#token=${tokens.till}`, { locale: 'en', ...options });

const onHand = async (sku, place = 'malmo') =>
  (await server.done('GET', `/v1/stock/${sku}/${place}`)).on_hand;

const ledger = async (sku, place = 'malmo') =>
  (await server.done('GET', `/v1/stock/${sku}/${place}/movements`)).items;

/** Types as a scanner does. */
async function scan(page, code) {
  await page.keyboard.type(code);
  await page.keyboard.press('Enter');
}

const live = (page) => page.locator('#connection', { hasText: 'Live' }).waitFor();
const item = (page, name) => page.locator('#name', { hasText: name }).waitFor();
const allRecorded = (page) => page.locator('#kept', { hasText: 'All is recorded' }).waitFor();

test('a scan and two keys sell one; figures here and nearby follow, the nearest first', async () => {
  const { page, context, errors } = await stand();
  await live(page);
  await scan(page, '2000000000039');
  await item(page, 'Red clogs 38');
  const rows = page.locator('#levels tr');
  await rows.nth(3).waitFor();
  const shown = (await rows.allInnerTexts()).map((text) => text.split(/\s+/).join(' ').trim());
  assert.match(shown[0], /^Malmö \(here\) 10$/);
  assert.match(shown[1], /^Lund 16 km 2$/);
  assert.match(shown[2], /^Kiruna .*km 4$/);
  assert.match(shown[3], /^Warehouse 120$/);
  await page.keyboard.press('Enter');
  await page.locator('#told', { hasText: /Sold 1 × Red clogs 38 · SEK\s300 · Receipt till-/ }).waitFor();
  await rows.first().filter({ hasText: '9' }).waitFor();
  assert.equal(await onHand('clogs-38'), 9);
  // The cursor is where the next scan belongs, and whatever is sold elsewhere shows.
  assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
  await server.movement('sale', 'clogs-38', 'lund', 1);
  await rows.nth(1).filter({ hasText: /1$/ }).waitFor();
  await accessible(page);
  await picture(page, 'till');
  // On a narrow till, too, a number stands beside its dot.
  await page.setViewportSize({ width: 390, height: WIDTHS[390] });
  const figures = await page.locator('#levels .figure').all();
  const broken = (figure) => figure.evaluate((element) => element.getClientRects().length > 1);
  assert.deepEqual(await Promise.all(figures.map(broken)), [false, false, false, false]);
  quiet(errors);
  await context.close();
});

test('a search finds by name, and several units and parts of a metre are sold exactly', async () => {
  const { page, context, errors } = await stand();
  await live(page);
  await page.keyboard.type('red clo');
  await page.locator('#results[aria-busy=false]').waitFor();
  await page.getByText('2 found').waitFor();
  await accessible(page);
  await picture(page, 'till-search');
  await page.keyboard.press('ArrowDown');
  await page.locator('[aria-selected=true]', { hasText: 'Red clogs 39' }).waitFor();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('Enter');
  await item(page, 'Red clogs 38');
  const before = await onHand('clogs-38');
  await page.keyboard.type('3');
  await page.keyboard.press('Enter');
  await page.locator('#told', { hasText: 'Sold 3 × Red clogs 38' }).waitFor();
  await until('three fewer', async () => (await onHand('clogs-38')) === before - 3);

  await page.keyboard.type('natural');
  await page.keyboard.press('Enter');
  await page.getByText('1 found').waitFor();
  await page.keyboard.press('Enter');
  await item(page, 'Linen');
  await page.keyboard.type('0.755');
  await page.keyboard.press('Enter');
  await page.getByText('At most 2 decimals').waitFor();
  await page.keyboard.type('0,35');
  await page.locator('#total', { hasText: '66.15' }).waitFor();
  await page.keyboard.press('Enter');
  await page.locator('#told', { hasText: 'Sold 0.35 metre Linen' }).waitFor();
  await until('the rest of the cloth', async () => (await onHand('linen')) === 12.15);
  quiet(errors);
  await context.close();
});

test('the least that an item can be counted in is sold, and told, as what it is', async () => {
  const price = { amount: '9000.00', currency: 'SEK' };
  const saffron = { name: 'Saffron', unit: 'kg', decimals: 6, price };
  await server.done('PUT', '/v1/items/saffron', saffron);
  await server.movement('receipt', 'saffron', 'malmo', 0.000504);
  const { page, context, errors } = await stand();
  await live(page);
  await scan(page, 'saffron');
  await item(page, 'Saffron');
  await page.locator('#levels tr.here', { hasText: '0.000504 kg' }).waitFor();
  await page.waitForFunction(() => document.activeElement.id === 'quantity');
  await page.keyboard.type('0.0004');
  await page.keyboard.press('Enter');
  await page.locator('#told', { hasText: 'Sold 0.0004 kg Saffron' }).waitFor();
  await allRecorded(page);
  quiet(errors);
  await context.close();
});

test('a scan finds any barcode and any SKU, whatever it is made of', async () => {
  const names = { 12345678: 'A number for a name', 'x-12345678-9': 'Another number' };
  for (const [sku, name] of Object.entries(names)) await server.done('PUT', `/v1/items/${sku}`, { name });
  await server.done('PUT', '/v1/items/coded', { name: 'Coded', barcodes: ['ABC-12/34'] });
  await server.done('PUT', '/v1/items/lettered', { name: 'Lettered' });
  const { page, context, errors } = await stand();
  await live(page);
  for (const [code, name] of [['12345678', names[12345678]], ['ABC-12/34', 'Coded'], ['lettered', 'Lettered']]) {
    await page.locator('#search').focus();
    await scan(page, code);
    await item(page, name);
    await page.waitForFunction(() => document.activeElement.id === 'quantity');
  }
  // Digits that name nothing sell nothing.
  await page.locator('#search').focus();
  await scan(page, '45678901');
  await page.getByText('No item has the barcode 45678901').waitFor();
  quiet(errors);
  await context.close();
});

/** What sticks out of the part of the page, or of the dialog, that it belongs to. */
const sticksOut = (page) => page.evaluate(() => {
  const right = (one) => Math.floor(one.getBoundingClientRect().right);
  const parts = [...document.querySelectorAll('.panel, header, footer, dialog[open]')];
  const beyond = (part) => [...part.querySelectorAll(':not(input)')].filter((one) =>
    right(one) > right(part) || one.scrollWidth > Math.max(one.clientWidth, one.offsetWidth));
  const wide = document.documentElement.scrollWidth > innerWidth ? [document.documentElement] : [];
  return [...wide, ...parts.flatMap(beyond)].map((one) => one.id || one.tagName);
});

/** Looks at the page at each width, and keeps pictures of it. */
async function fits(page, name) {
  const before = page.viewportSize();
  for (const [width, height] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width: Number(width), height });
    assert.deepEqual(await sticksOut(page), [], `${name} at ${width}`);
  }
  await page.setViewportSize(before);
  await picture(page, name);
}

test('names and SKUs of any length leave the till as it is, at every width', async () => {
  const word = 'Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft';
  const sku = 'long'.repeat(16);
  const place = `Outlet ${word}`;
  await server.done('PUT', '/v1/locations/outlet', { name: place, kind: 'store' });
  await server.done('PUT', '/v1/locations/next', { name: `${word} 2`, kind: 'store' });
  const price = { amount: '12345678.50', currency: 'SEK' };
  const attributes = { made: word };
  const content = { name: `${word} 38`, unit: 'kilogram', decimals: 6, price, attributes };
  await server.done('PUT', `/v1/items/${sku}`, { ...content, offer: { amount: '1234567.50' } });
  await server.movement('receipt', sku, 'outlet', 123456789.123456);
  await server.movement('receipt', sku, 'next', 1.5);
  const line = { sku, location: 'outlet', quantity: 1.5 };
  const confirm = { order: 'web-long', fulfilment: { method: 'collect', location: 'outlet' } };
  await server.done('POST', '/v1/reservations', { lines: [line], customer: 'c-1', confirm });
  const scopes = ['stock:read', 'stock:write', 'reserve', 'fulfil'];
  const token = await server.token('till in the outlet', scopes, { channel: 'store' });
  const url = `${server.url}/till/outlet#token=${token}`;
  const { page, context, errors } = await open(browser, url, { locale: 'en' });
  await live(page);
  await page.keyboard.type(word.slice(0, 20));
  await page.getByText('1 found').waitFor();
  await fits(page, 'till-long-search');
  await page.keyboard.press('Enter');
  await item(page, word);
  await page.locator('#levels tr').nth(1).waitFor();
  await page.waitForFunction(() => document.activeElement.id === 'quantity');
  await fits(page, 'till-long-item');
  await page.keyboard.press('F4');
  await page.getByRole('dialog', { name: 'Take back' }).waitFor();
  await fits(page, 'till-long-return');
  await page.keyboard.press('Escape');
  await page.locator('#quantity').press('Enter');
  await page.locator('#told', { hasText: 'Sold 1 kilogram' }).waitFor();
  await page.keyboard.type('x'.repeat(200));
  await page.keyboard.press('Enter');
  await page.getByText('Nothing is called that').waitFor();
  await fits(page, 'till-long-sold');
  await page.keyboard.press('F8');
  await page.keyboard.type('web-long');
  await page.keyboard.press('Enter');
  await page.locator('#order-lines', { hasText: word }).waitFor();
  await fits(page, 'till-long-order');
  await page.keyboard.press('Escape');
  await page.keyboard.press('F9');
  await page.locator('dialog[open]').waitFor();
  await fits(page, 'till-long-kept');
  await steady(page);
  quiet(errors);
  await context.close();
});

test('a search that finds more than it shows says so', async () => {
  const items = Array.from({ length: 25 }, (_, n) => ({ sku: `bulk-${n}`, name: `Button ${n}` }));
  await server.done('POST', '/v1/items/batch', { items });
  const { page, context, errors } = await stand();
  await live(page);
  await page.keyboard.type('button');
  await page.getByText('The first 20; type more').waitFor();
  await page.keyboard.type(' 24');
  await page.getByText('1 found').waitFor();
  quiet(errors);
  await context.close();
});

test('what a scanner types into the quantity is a barcode all the same', async () => {
  const { page, context } = await stand();
  await live(page);
  await scan(page, '2000000000039');
  await item(page, 'Red clogs 38');
  await scan(page, '2000000000213');
  await item(page, 'Wool socks');
  await scan(page, '2999999999999');
  await page.getByText('No item has the barcode 2999999999999').waitFor();
  await context.close();
});

test('a return goes back on the shelf only if it can be sold', async () => {
  const { page, context, errors } = await stand();
  await live(page);
  const before = await onHand('clogs-38');
  const takeBack = async (...keys) => {
    await scan(page, '2000000000039');
    await page.waitForFunction(() => document.activeElement.id === 'quantity');
    await page.keyboard.press('F4');
    await page.getByRole('dialog', { name: 'Take back 1 × Red clogs 38' }).waitFor();
    await accessible(page);
    for (const key of keys) await page.keyboard.press(key);
  };
  await takeBack('Enter');
  await page.locator('#told', { hasText: 'Took back 1 × Red clogs 38' }).waitFor();
  await until('one more', async () => (await onHand('clogs-38')) === before + 1);
  await takeBack('ArrowDown', 'Enter');
  await page.locator('#told', { hasText: 'Took back 1 × Red clogs 38, damaged' }).waitFor();
  await allRecorded(page);
  assert.equal(await onHand('clogs-38'), before + 1);
  await takeBack();
  await picture(page, 'till-return');
  await page.keyboard.press('Escape');
  assert.equal((await ledger('clogs-38')).filter(({ type }) => type === 'return').length, 2);
  quiet(errors);
  await context.close();
});

/** An order that is paid and waits in Malmö. */
async function ordered(order, quantity) {
  const line = { sku: 'clogs-38', location: 'malmo', quantity };
  const elsewhere = { sku: 'clogs-38', location: 'warehouse', quantity: 1 };
  const confirm = { order, fulfilment: { method: 'collect', location: 'malmo' } };
  const reservation = { lines: [line, elsewhere], customer: 'c-1', confirm };
  return server.done('POST', '/v1/reservations', reservation);
}

test('a paid order is looked up and handed over, once, and only what waits here', async () => {
  const reservation = await ordered('web-77', 2);
  const before = await onHand('clogs-38');
  const { page, context, errors } = await stand();
  await live(page);
  await page.keyboard.press('F8');
  await page.keyboard.type('web-78');
  await page.keyboard.press('Enter');
  await page.getByText('No paid order web-78 waits here').waitFor();
  await page.getByLabel('Order number').fill('web-77');
  await page.keyboard.press('Enter');
  await page.locator('#order-lines', { hasText: '2 × Red clogs 38' }).waitFor();
  await accessible(page);
  await picture(page, 'till-order');
  await page.keyboard.press('Enter');
  await page.locator('#told', { hasText: 'Handed over 2 × Red clogs 38' }).waitFor();
  await until('two fewer', async () => (await onHand('clogs-38')) === before - 2);
  const { state, lines } = await server.done('GET', `/v1/reservations/${reservation.id}`);
  assert.deepEqual([state, ...lines.map(({ fulfilled }) => fulfilled)], ['confirmed', 2, 0]);
  quiet(errors);
  await context.close();
});

test('an order is found in small letters, and a token that may not look is told', async () => {
  await ordered('WEB-79', 1);
  const { page, context, errors } = await stand();
  await live(page);
  await page.keyboard.press('F8');
  await page.keyboard.type('web-79');
  await page.keyboard.press('Enter');
  await page.locator('#order-lines', { hasText: '1 × Red clogs 38' }).waitFor();
  quiet(errors);
  await context.close();

  const seller = await server.token('seller', ['stock:read', 'stock:write'], { channel: 'store' });
  const url = `${server.url}/till/malmo#token=${seller}`;
  const other = await open(browser, url, { locale: 'en', expected: [/403/] });
  await live(other.page);
  await other.page.keyboard.press('F8');
  await other.page.keyboard.type('WEB-79');
  await other.page.keyboard.press('Enter');
  await other.page.getByText('may not look orders up').waitFor();
  quiet(other.errors);
  await other.context.close();
});

test('sent away it comes back after minutes, and what is typed stays', async (t) => {
  let full = true;
  const relay = new Relay(server, (socket) => {
    if (full) return socket.close(4504);
    const welcome = '{"type":"welcome","epoch":"e","ping_seconds":25,"max_keys":200}';
    socket.send(welcome);
    socket.on('message', () => socket.send(welcome));
  });
  await relay.start();
  t.after(() => relay.stop());
  const { page, context, errors } = await open(browser, 'about:blank', { locale: 'en' });
  await page.clock.install();
  await page.goto(`${relay.url}/till/malmo#token=${tokens.till}`);
  await page.locator('#connection', { hasText: 'No connection' }).waitFor();
  await page.getByText('Go on selling').waitFor();
  await page.keyboard.type('wool');
  full = false;
  await until('a connection', async () => {
    await page.clock.runFor(30_000);
    return (await page.locator('#connection').innerText()) === 'Live';
  });
  assert.equal(await page.locator('#search').inputValue(), 'wool');
  quiet(errors);
  await context.close();
});

test('a wrong token is told, and what was sold before it was known is sent with a right one', async () => {
  const weak = await server.token('weak till', ['stock:read'], { channel: 'store' });
  const { page, context } = await open(browser, `${server.url}/till/malmo#token=${weak}`, {
    locale: 'en',
    expected: [/403/],
  });
  await live(page);
  const before = await onHand('socks');
  await scan(page, '2000000000213');
  await item(page, 'Wool socks');
  await page.keyboard.press('Enter');
  await page.getByText('may not do what is done here').waitFor();
  assert.equal(await onHand('socks'), before);
  await page.getByRole('textbox', { name: 'Token' }).fill(tokens.till);
  await page.keyboard.press('Enter');
  await until('the sale', async () => (await onHand('socks')) === before - 1);
  await allRecorded(page);
  await context.close();
});

test('what the server refuses is kept and shown until a person has seen to it', async () => {
  const grant = { locations: ['lund'], channel: 'store' };
  const scopes = ['stock:read', 'stock:write'];
  const stranger = await server.token('till in Lund', scopes, grant);
  const url = `${server.url}/till/malmo#token=`;
  const { page, context } = await open(browser, url + stranger, { locale: 'en' });
  await live(page);
  const before = await onHand('clogs-38');
  for (const amount of ['2', '3']) {
    await scan(page, '2000000000039');
    await page.waitForFunction(() => document.activeElement.id === 'quantity');
    await page.keyboard.type(amount);
    await page.keyboard.press('Enter');
  }
  await page.locator('#kept', { hasText: '2 for a person' }).waitFor();
  await page.reload();
  await page.locator('#kept', { hasText: '2 for a person' }).waitFor();
  await page.keyboard.press('F9');
  await page.locator('#entries .fault', { hasText: 'location' }).first().waitFor();
  await accessible(page);
  await picture(page, 'till-kept');
  // A person gives the till the token that it should have had, and settles one on paper.
  await page.goto('about:blank');
  await page.goto(url + tokens.till);
  await page.locator('#kept', { hasText: '2 for a person' }).waitFor();
  await page.keyboard.press('F9');
  await page.getByRole('button', { name: 'Settled otherwise' }).last().click();
  await page.locator('#kept', { hasText: '1 for a person' }).waitFor();
  await page.getByRole('button', { name: 'Send again' }).click();
  await allRecorded(page);
  assert.equal(await onHand('clogs-38'), before - 2);
  await page.locator('#latest', { hasText: 'settled otherwise' }).waitFor();
  await context.close();
});

test('a device whose clock is wrong sells all the same, at the right time', async () => {
  const { page, context } = await stand();
  await live(page);
  const before = await onHand('clogs-38');
  for (const [amount, hours] of [['1', 30], ['2', -30]]) {
    const wrong = Date.now() + hours * 3_600_000;
    await page.evaluate((ahead) => {
      window.rightNow ??= Date.now;
      Date.now = () => window.rightNow() + ahead;
      const Right = (window.RightDate ??= Date);
      window.Date = class extends Right {
        constructor(...given) {
          super(...(given.length ? given : [Right.now()]));
        }
      };
    }, wrong - Date.now());
    await scan(page, '2000000000039');
    await page.waitForFunction(() => document.activeElement.id === 'quantity');
    await page.keyboard.type(amount);
    await page.keyboard.press('Enter');
    await page.locator('#told', { hasText: `Sold ${amount} ×` }).waitFor();
  }
  await until('both sales', async () => (await onHand('clogs-38')) === before - 3);
  for (const { occurred_at } of (await ledger('clogs-38')).slice(0, 2)) {
    assert.ok(Math.abs(Date.parse(occurred_at) - Date.now()) < 120_000, occurred_at);
  }
  await context.close();
});

test('the browser is asked to clear nothing away', async () => {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    navigator.storage.persist = async () => (window.askedToKeep = true);
  });
  const page = await context.newPage();
  await page.goto(`${server.url}/till/malmo#token=${tokens.till}`);
  await page.waitForFunction(() => window.askedToKeep);
  await context.close();
});

test('nothing on it moves by itself while it is used', async () => {
  const { page, context, errors } = await stand();
  await live(page);
  await scan(page, '2000000000039');
  await item(page, 'Red clogs 38');
  await page.keyboard.press('Enter');
  await allRecorded(page);
  await steady(page);
  quiet(errors);
  await context.close();
});
