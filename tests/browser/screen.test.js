// The store screen, as it hangs on a wall.

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

/** What a browser says of a server that is away: it belongs to what is tested. */
const AWAY = [/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/];

before(async () => {
  [server, browser] = await Promise.all([Onhand.serve(), launch()]);
  tokens = await openStores(server);
});
after(() => Promise.all([browser?.close(), server?.close()]));

const hang = (options) =>
  open(browser, `${server.url}/screen/malmo#token=${tokens.screen}`, { locale: 'en', ...options });

/** A store with so many products behind a relay; what is `gone` is stocked no more. */
function stocked(count, gone = new Set()) {
  const sockets = [];
  const skus = Array.from({ length: count }, (_, number) => `clogs-${number}`);
  const level = (sku) => ({ sku, location: 'malmo', version: 1_000, status: 'in_stock' });
  const relay = new Relay(server, (socket) => {
    const frames = [];
    sockets.push({ socket, frames });
    const say = (frame) => socket.send(JSON.stringify(frame));
    const welcome = { type: 'welcome', epoch: 'e', ping_seconds: 25, max_keys: 5000 };
    say(welcome);
    socket.on('message', (text) => {
      const { op, id, have } = JSON.parse(text);
      frames.push({ op, have, bytes: text.length });
      if (op === 'hello') say(welcome);
      if (op !== 'subscribe') return;
      const levels = skus.filter((sku) => !gone.has(sku) && !(`${sku}@malmo` in have)).map(level);
      const removed = [...gone].filter((sku) => `${sku}@malmo` in have);
      levels.push(...removed.map((sku) => ({ ...level(sku), version: 1_001, removed: true })));
      say({ type: 'state', id, levels, items: [], unknown: [], denied: [], last: true });
    });
  });
  return { relay, sockets };
}

/** The text of a product's row, once it says what is awaited. */
async function row(page, name, awaited) {
  const found = page.locator('tbody tr:not([hidden])', { hasText: name });
  await found.locator('.text', { hasText: awaited }).waitFor();
  return found.innerText();
}

test('it lists what the store has, with prices, and every change as it comes', async () => {
  const { page, context, errors } = await hang();
  assert.match(await row(page, 'Red clogs 38', 'In stock'), /SEK\s300/);
  assert.match(await row(page, 'Wool socks', 'Only 3 left'), /95\.50.*79/s);
  await row(page, 'Red clogs 39', 'Out of stock');
  assert.equal(await page.locator('#place').innerText(), 'Malmö');
  assert.equal(await page.locator('#age').innerText(), 'Live');
  assert.ok(!page.url().includes('token'), 'the token stays in the address');
  await accessible(page);
  await server.movement('sale', 'socks', 'malmo', 1);
  await row(page, 'Wool socks', 'Only 2 left');
  await server.movement('receipt', 'clogs-39', 'malmo', 7);
  await row(page, 'Red clogs 39', 'In stock');
  await steady(page);
  quiet(errors);
  await context.close();
});

test('no row stands there empty before its product is known, however slow the wall is', async () => {
  const { page, context } = await open(browser, 'about:blank');
  // A clock that stands still draws nothing.
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1_000);
  await page.goto(`${server.url}/screen/malmo#token=${tokens.screen}`);
  await page.locator('body[data-ready]').waitFor();
  assert.equal(await page.locator('tbody tr:not([hidden])').count(), 0);
  await page.clock.resume();
  await row(page, 'Red clogs 38', 'In stock');
  await context.close();
});

test('a token that may see figures has them on the screen', async () => {
  const exact = await server.token('exact screen', ['stock:read'], { channel: 'store' });
  const url = `${server.url}/screen/malmo#token=${exact}`;
  const { page, context } = await open(browser, url, { locale: 'sv' });
  await row(page, 'Red clogs 38', 'I lager: 10');
  await row(page, 'Linen', 'I lager: 12,5 metre');
  assert.equal(await page.locator('html').getAttribute('lang'), 'sv');
  await context.close();
});

test('a language that is none, or not spoken, falls back and leaves the list there', async () => {
  const said = { sv_SE: ['sv', 'I lager'], x: ['en', 'In stock'], fr: ['en', 'In stock'] };
  for (const [asked, [lang, words]] of Object.entries(said)) {
    const url = `${server.url}/screen/malmo?lang=${asked}#token=${tokens.screen}`;
    const { page, context, errors } = await open(browser, url);
    await row(page, 'Red clogs 38', words);
    assert.equal(await page.locator('html').getAttribute('lang'), lang);
    quiet(errors);
    await context.close();
  }
});

test('it asks that the wall does not sleep, also after it was hidden', async () => {
  const context = await browser.newContext();
  await context.addInitScript(() => {
    window.asked = [];
    const request = navigator.wakeLock.request.bind(navigator.wakeLock);
    navigator.wakeLock.request = (kind) => {
      window.asked.push(kind);
      return request(kind);
    };
  });
  const page = await context.newPage();
  await page.goto(`${server.url}/screen/malmo#token=${tokens.screen}`);
  await page.waitForFunction(() => window.asked.includes('screen'));
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.waitForFunction(() => window.asked.length === 2);
  await context.close();
});

test('without a token it asks for one, and a wrong one is told', async () => {
  const { page, context } = await open(browser, `${server.url}/screen/malmo`, { locale: 'en' });
  await page.getByText('This screen needs a token for Malmö').waitFor();
  await accessible(page);
  await picture(page, 'screen-token');
  await page.getByRole('textbox', { name: 'Token' }).fill('not-a-token');
  await page.getByRole('button', { name: 'Use this token' }).click();
  await page.getByText('The token of this screen is not accepted').waitFor();
  await page.getByRole('textbox', { name: 'Token' }).fill(tokens.screen);
  await page.getByRole('button', { name: 'Use this token' }).click();
  await row(page, 'Red clogs 38', 'In stock');
  // It is kept on the device.
  await page.reload();
  await row(page, 'Red clogs 38', 'In stock');
  await context.close();
});

test('a token that may not see a whole location is told', async () => {
  const blind = await server.token('blind', ['events:read']);
  const url = `${server.url}/screen/malmo#token=${blind}`;
  const { page, context } = await open(browser, url, { locale: 'en' });
  await page.getByText('may not do what is done here').waitFor();
  await context.close();
});

test('what does not fit on the wall comes in turn, and keys leaf through', async () => {
  const small = { viewport: { width: 800, height: 240 } };
  const { page, context, errors } = await hang(small);
  await page.locator('#turn', { hasText: '1 / 2' }).waitFor();
  const first = await page.locator('tbody .name').first().innerText();
  await page.keyboard.press('Space');
  await page.getByText('go on').waitFor();
  await accessible(page);
  await page.keyboard.press('ArrowRight');
  await page.locator('#turn', { hasText: '2 / 2' }).waitFor();
  assert.notEqual(await page.locator('tbody .name').first().innerText(), first);
  await page.keyboard.press('ArrowRight');
  await page.locator('#turn', { hasText: '1 / 2' }).waitFor();
  quiet(errors);
  await context.close();
});

test('it says how old its figures are, hides counts past two minutes, and catches up', async () => {
  const { page, context, errors } = await hang({ expected: AWAY });
  await page.clock.install();
  await page.reload();
  await row(page, 'Wool socks', 'Only 2 left');
  await server.stop();
  await page.locator('body[data-state=live]').waitFor();
  await page.clock.runFor(10_000);
  await page.locator('#age', { hasText: 'as of' }).waitFor();
  await row(page, 'Wool socks', 'Only 2 left');
  await page.clock.runFor(120_000);
  await page.getByText('please ask the staff').waitFor();
  await row(page, 'Wool socks', 'Few left');
  await accessible(page);
  await picture(page, 'screen-offline');
  await server.start();
  await server.movement('sale', 'socks', 'malmo', 1, { id: 'test-after-restart' });
  await until('the figures after the restart', async () => {
    await page.clock.runFor(1_000);
    return (await page.locator('.text', { hasText: 'Only 1 left' }).count()) === 1;
  });
  await page.getByText('please ask the staff').waitFor({ state: 'hidden' });
  await steady(page);
  quiet(errors);
  await context.close();
});

test('sent away it comes back after minutes, and once a day it begins anew', async (t) => {
  let full = true;
  const relay = new Relay(server, (socket) => {
    if (full) socket.close(4504);
  });
  await relay.start();
  t.after(() => relay.stop());
  const url = `${relay.url}/screen/malmo#token=${tokens.screen}`;
  const { page, context, errors } = await open(browser, 'about:blank', { locale: 'en' });
  await page.clock.install();
  await page.goto(url);
  await page.getByText('The server has sent this screen away').waitFor();
  const loads = () => relay.asked.filter((name) => name === 'GET /web/screen.js').length;
  const before = loads();
  full = false;
  await until('a fresh page', async () => {
    await page.clock.runFor(30_000);
    return loads() > before;
  });
  await page.getByText('The server has sent this screen away').waitFor({ state: 'hidden' });
  await page.locator('body[data-ready]').waitFor();
  const again = loads();
  await page.clock.fastForward('25:00:00');
  await until('a page for the new day', async () => {
    await page.clock.runFor(30_000).catch(() => {});
    return loads() > again;
  });
  quiet(errors);
  await context.close();
});

test('a store of any size comes back, and nothing that went meanwhile stays on the wall', async (t) => {
  const gone = new Set();
  const { relay, sockets } = stocked(12_000, gone);
  await relay.start();
  t.after(() => relay.stop());
  const url = `${relay.url}/screen/malmo#token=any`;
  const viewport = { width: 800, height: 240 };
  const { page, context, errors } = await open(browser, url, { locale: 'en', viewport });
  const name = page.locator('tbody .name').first();
  await name.filter({ hasText: 'clogs-0' }).waitFor();
  const pages = async () => Number((await page.locator('#turn').innerText()).split(' / ')[1]);
  const before = await pages();
  // The first is one of those it says it has, the last one there was no room for.
  for (const number of [0, ...Array.from({ length: 1000 }, (_, nth) => 11_999 - nth)]) {
    gone.add(`clogs-${number}`);
  }
  sockets[0].socket.close(4014);
  await name.filter({ hasText: 'clogs-1' }).waitFor();
  const asked = sockets[1].frames.find(({ op }) => op === 'subscribe');
  assert.ok(asked.bytes < 256 << 10, `a frame of ${asked.bytes} bytes`);
  assert.ok(asked.have['clogs-1@malmo'], 'nothing is said of what it has');
  const left = 10_999 / 12_000;
  await until('a shorter list', async () => Math.abs((await pages()) - before * left) <= 1);
  quiet(errors);
  await context.close();
});

test('during an outage no row is behind the banner', async () => {
  const { relay } = stocked(40);
  await relay.start();
  const { page, context } = await open(browser, 'about:blank', {
    locale: 'en',
    expected: AWAY,
    viewport: { width: 1280, height: 800 },
  });
  await page.clock.install();
  await page.goto(`${relay.url}/screen/malmo#token=any`);
  await row(page, 'clogs-0', 'In stock');
  await relay.stop();
  await page.clock.runFor(130_000);
  await page.getByText('please ask the staff').waitFor();
  await page.clock.runFor(1_000);
  const [banner, ...rows] = await page.$$eval('#banner, tbody tr:not([hidden])', (all) =>
    all.map((one) => one.getBoundingClientRect().toJSON()));
  assert.ok(rows.length > 5, `${rows.length} rows`);
  const lowest = Math.max(...rows.map(({ bottom }) => bottom));
  assert.ok(lowest <= banner.top, `a row ends at ${lowest}, the banner begins at ${banner.top}`);
  await steady(page);
  await context.close();
});

test('a link with another token is taken up where the screen is shown already', async () => {
  const { page, context } = await open(browser, `${server.url}/screen/malmo`, { locale: 'en' });
  await page.getByText('This screen needs a token for Malmö').waitFor();
  await page.goto(`${server.url}/screen/malmo#token=${tokens.screen}`);
  await row(page, 'Red clogs 38', 'In stock');
  assert.ok(!page.url().includes('token'), 'the token stays in the address');
  await context.close();
});

/** What of the figures sticks out of its cell, and how high the rows are. */
const measured = (page) => page.evaluate(() => {
  const cells = [...document.querySelectorAll('tbody tr:not([hidden]) :is(.number, .level)')];
  const cut = cells.filter((one) => one.scrollWidth > one.clientWidth);
  const rows = [...document.querySelectorAll('tbody tr:not([hidden])')];
  return {
    cut: cut.map((one) => one.innerText),
    heights: rows.map((one) => one.getBoundingClientRect().height),
  };
});

test('a figure is written smaller rather than cut off, and a name is cut off first', async () => {
  const long = 'Hand-carved clogs of alder from a forest in Småland, with a strap of red leather';
  const price = { amount: '1999.50', currency: 'SEK' };
  const items = [
    { sku: 'dear', name: long, price, offer: { amount: '1499.50' } },
    { sku: 'nails', name: 'Nails', unit: 'kilogram', decimals: 6,
      price: { amount: '12345678901.50', currency: 'SEK' } },
    { sku: 'few', name: 'Few', price: { amount: '5.00', currency: 'SEK' } },
  ];
  await server.done('POST', '/v1/items/batch', { items });
  for (const [sku, much] of [['dear', 1234], ['nails', 123456789.123456], ['few', 1]]) {
    await server.movement('receipt', sku, 'kiruna', much);
  }
  const exact = await server.token('exact screen in Kiruna', ['stock:read'], { channel: 'store' });
  for (const [locale, words] of [['en', 'In stock: 1,234'], ['da', 'På lager: 1.234']]) {
    const url = `${server.url}/screen/kiruna#token=${exact}`;
    const { page, context, errors } = await open(browser, url, { locale });
    await row(page, long, words);
    for (const [width, height] of Object.entries(WIDTHS)) {
      await page.setViewportSize({ width: Number(width), height });
      await until(`nothing is cut off at ${width}`, async () => (await measured(page)).cut.length === 0);
      const { heights } = await measured(page);
      // The first has half a line less above it.
      assert.ok(Math.max(...heights) - Math.min(...heights) <= 1, heights.join(', '));
    }
    await picture(page, `screen-figures-${locale}`);
    quiet(errors);
    await context.close();
  }
});

test('nothing moves on the wall when a figure grows too long for its place', async () => {
  await server.done('PUT', '/v1/items/grows', { name: 'Grows', unit: 'kilogram', decimals: 6 });
  await server.movement('receipt', 'grows', 'lund', 20);
  const exact = await server.token('exact screen in Lund', ['stock:read'], { channel: 'store' });
  const url = `${server.url}/screen/lund#token=${exact}`;
  const { page, context, errors } = await open(browser, url, { locale: 'en' });
  await row(page, 'Grows', 'In stock: 20 kilogram');
  await server.movement('receipt', 'grows', 'lund', 123456789.123456);
  await row(page, 'Grows', 'In stock: 123,456,809.123456 kilogram');
  await until('nothing is cut off', async () => (await measured(page)).cut.length === 0);
  await server.movement('count', 'grows', 'lund', 30);
  await row(page, 'Grows', 'In stock: 30 kilogram');
  // What is short again is as large as before.
  const sizes = await page.$$eval('tbody tr:not([hidden]) .figure', (all) =>
    all.map((one) => getComputedStyle(one).transform));
  assert.deepEqual([...new Set(sizes)], ['none']);
  await steady(page);
  quiet(errors);
  await context.close();
});

test('it looks well, and cuts neither prices nor statuses off, not even on a phone', async () => {
  const { page, context } = await hang();
  await row(page, 'Red clogs 38', 'In stock');
  await server.movement('count', 'clogs-39', 'malmo', 0);
  await row(page, 'Red clogs 39', 'Out of stock');
  await server.done('PATCH', '/v1/items/linen', { offer: { amount: '129.50' } });
  await page.locator('tbody .price', { hasText: '129.50' }).waitFor();
  await page.setViewportSize({ width: 390, height: 844 });
  const cut = await page.$$eval('tbody :is(.number, .level)', (all) =>
    all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText));
  assert.deepEqual(cut, []);
  await picture(page, 'screen');
  await context.close();
});
