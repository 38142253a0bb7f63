// The contention board, as it hangs on a wall: it shows what shoppers fight over while they do,
// says so when it no longer can, and stands still.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { accessible, launch, open, picture, quiet, steady } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';
import { until } from './harness/patience.js';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Onhand.serve(), launch()]);
  const name = (sku) => `Product ${sku.toUpperCase()} with a name that fills the line`;
  const skus = Array.from({ length: 24 }, (_, n) => `p${String(n + 1).padStart(2, '0')}`);
  await server.done('PUT', '/v1/locations/malmo', { name: 'Malmö', kind: 'store' });
  for (const sku of skus) {
    await server.done('PUT', `/v1/items/${sku}`, { name: name(sku) });
    await server.movement('receipt', sku, 'malmo', 8);
  }
});
after(() => Promise.all([browser?.close(), server?.close()]));

const place = (sku, quantity = 1) =>
  server.ask('POST', '/v1/reservations', { lines: [{ sku, location: 'malmo', quantity }] });

const board = (options) => open(browser, `${server.ops}/board`, options);

/** The rows as a reader sees them. */
const rows = (page) =>
  page.$$eval('#keys tr', (all) => all.map((row) => [...row.cells].map((one) => one.innerText)));

test('the hottest products come first, with what became of the demand', async () => {
  for (let n = 0; n < 20; n += 1) await place('p01');
  for (let n = 0; n < 12; n += 1) await place('p02');
  for (let n = 3; n <= 24; n += 1) await place(`p${String(n).padStart(2, '0')}`);
  const { page, context, errors } = await board();
  await until('twenty rows', async () => (await rows(page)).length === 20);
  const [first, second] = await rows(page);
  assert.match(first[0], /^1\. Product P01.*\n?p01 at malmo$/s);
  assert.match(second[0], /^2\. Product P02/);
  assert.match(first[3], /sold out:\s*0/);
  assert.equal(first[4], '8');
  assert.ok(Number(first[2]) > 0, `refused: ${first[2]}`);
  assert.equal(await page.textContent('#state'), 'Live');
  await until('the pace', async () => (await page.textContent('[data-figure=queue]')) === '0 of 16,384');
  await accessible(page);
  await picture(page, 'board');
  await steady(page);
  quiet(errors);
  await context.close();
});

test('levels are shown as they are committed, and nothing moves meanwhile', async () => {
  await place('p05');
  const { page, context, errors } = await board();
  const left = () =>
    page.$$eval('#keys tr', (all) => {
      const row = all.find((one) => one.innerText.includes('p05 at malmo'));
      return row?.cells[3].innerText.trim();
    });
  await until('the level', async () => (await left())?.startsWith('in stock'));
  // Far more often than the whole document is told: only the stream of levels can keep up.
  for (let quantity = 1; quantity <= 3; quantity += 1) {
    await server.movement('adjustment', 'p05', 'malmo', 100);
    const { stock } = await server.movement('sale', 'p05', 'malmo', quantity);
    await until(`${stock.available} left`, async () => (await left())?.endsWith(`${stock.available}`), 900);
  }
  await server.movement('count', 'p05', 'malmo', 1);
  await until('sold out', async () => (await left())?.startsWith('sold out'));
  await steady(page);
  quiet(errors);
  await context.close();
});

test('figures of any size find room, on a phone as well, and move nothing as they grow', async () => {
  const cheese = { name: 'Cheese, aged for two years', unit: 'kg', decimals: 3 };
  await server.done('PUT', '/v1/items/cheese', cheese);
  await server.movement('receipt', 'cheese', 'malmo', 43.955);
  for (let n = 0; n < 15; n += 1) await place('cheese', 0.111);
  await server.done('PUT', '/v1/items/nails', { name: 'Clog nails' });
  await server.movement('receipt', 'nails', 'malmo', 9_847_031);
  for (let n = 0; n < 15; n += 1) await place('nails', 2);
  const { page, context, errors } = await board({ viewport: { width: 390, height: 844 } });
  const left = async (sku) =>
    (await rows(page)).find(([product]) => product.includes(`${sku} at`))?.[3].trim();
  await until('the level', async () => (await left('cheese'))?.endsWith('42.29'));
  await until('a level of millions', async () => (await left('nails'))?.endsWith('9.85M'));
  const pace = async () => Number.parseFloat(await page.textContent('[data-figure=commands]'));
  const before = await pace();
  await Promise.all(Array.from({ length: 300 }, () => place('cheese', 0.111)));
  await until('a pace of more digits', async () => (await pace()) >= Math.max(10, before));
  const cut = await page.$$eval('#keys td.number', (all) =>
    all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText));
  assert.deepEqual(cut, []);
  await steady(page);
  await picture(page, 'board-phone');
  quiet(errors);
  await context.close();
});

test('a board that is told nothing says since when', async () => {
  const other = await Onhand.serve();
  const url = `${other.ops}/board`;
  const { page, context } = await open(browser, url, { expected: [/Failed to load|ERR_/] });
  await until('live', async () => (await page.textContent('#state')) === 'Live');
  await other.kill();
  await until('an age', async () => /^As of \d\d:\d\d:\d\d$/.test(await page.textContent('#state')));
  assert.ok(await page.evaluate(() => document.body.classList.contains('stale')));
  await steady(page);
  await context.close();
  await other.close();
});

test('it loads nothing from elsewhere and runs nothing but its own scripts', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const asked = [];
  page.on('request', (request) => asked.push(request.url()));
  const answer = await page.goto(`${server.ops}/board`);
  await until('live', async () => (await page.textContent('#state')) === 'Live');
  assert.match(answer.headers()['content-security-policy'], /default-src 'none'; script-src 'self'/);
  const elsewhere = asked.filter((url) => !url.startsWith(server.ops) && !url.startsWith('data:'));
  assert.deepEqual(elsewhere, []);
  await context.close();
});
