// The till when things go wrong: no network, a server that is gone, a browser that is killed, two
// tabs at once. Whatever happens, each sale is recorded once.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { launch, open, picture, quiet } from './harness/browser.js';
import { ChromiumProcess } from './harness/chromium-process.js';
import { Onhand } from './harness/onhand.js';
import { until } from './harness/patience.js';
import { Relay } from './harness/relay.js';
import { openStores } from './harness/retailer.js';

/** What a browser says of a server that is away: it belongs to what is tested. */
const AWAY = [/WebSocket connection to .* failed/, /ERR_CONNECTION_REFUSED/, /ERR_FAILED/,
  /An unknown error occurred when fetching the script/];

let server;
let browser;
let tokens;

before(async () => {
  [server, browser] = await Promise.all([Onhand.serve(), launch()]);
  tokens = await openStores(server);
});
afterEach(async () => {
  if (!server.isRunning) await server.start();
});
after(() => Promise.all([browser?.close(), server?.close()]));

const path = (token) => `/till/malmo?lang=en#token=${token}`;
const stand = () => open(browser, server.url + path(tokens.till), { expected: AWAY });

async function sales(sku) {
  const { items } = await server.done('GET', `/v1/stock/${sku}/malmo/movements?limit=1000`);
  return items.filter(({ type, id }) => type === 'sale' && id.startsWith('till-')).reverse();
}

const text = (page, id, words) => page.locator(`#${id}`, { hasText: words }).waitFor();

/** The page, its scripts and the catalogue are on the device. */
const keptForLater = (page) =>
  until('the page on the device', () => page.evaluate(async () => {
    const cache = await caches.open('onhand-till');
    const has = async (address) => Boolean(await cache.match(address));
    return (await has('/till/malmo')) && (await has('/web/till.js')) && (await has('/till/~items'));
  }));

/** Scans red clogs, and waits until they may be sold. */
async function scanned(page) {
  await page.locator('body[data-ready]').waitFor();
  await page.locator('#search').focus();
  await page.keyboard.type('2000000000039');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.id === 'quantity');
}

async function sell(page, amount) {
  await scanned(page);
  await page.keyboard.type(String(amount));
  await page.keyboard.press('Enter');
  await text(page, 'told', `Sold ${amount} ×`);
}

test('sales made without a network are kept over a reload and sent in order', async () => {
  const { page, context, errors } = await stand();
  await text(page, 'connection', 'Live');
  await keptForLater(page);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await server.stop();
  await text(page, 'connection', 'No connection');
  for (const amount of [1, 2, 3]) await sell(page, amount);
  await text(page, 'kept', '3 to be sent');
  await picture(page, 'till-offline');
  await page.reload();
  await text(page, 'kept', '3 to be sent');
  await sell(page, 4);
  await text(page, 'kept', '4 to be sent');
  await server.start();
  await text(page, 'kept', 'All is recorded');
  const sold = await sales('clogs-38');
  assert.deepEqual(sold.map(({ quantity }) => quantity), [1, 2, 3, 4]);
  const numbers = sold.map(({ id }) => Number(id.split('-')[2]));
  assert.deepEqual(numbers, [1, 2, 3, 4]);
  quiet(errors);
  await context.close();
});

test('a till whose answer was lost sends again under the same name', async (t) => {
  const before = (await sales('clogs-38')).length;
  const relay = new Relay(server);
  await relay.start();
  t.after(() => relay.stop());
  relay.loses = (name) => name === 'POST /v1/movements' && relay.lost.length === 0;
  const { page, context } = await open(browser, relay.url + path(tokens.till));
  await page.clock.install();
  await sell(page, 1);
  await until('the lost answer', () => relay.lost.length === 1);
  await text(page, 'kept', '1 to be sent');
  await page.clock.runFor(60_000);
  await text(page, 'kept', 'All is recorded');
  assert.ok(relay.asked.filter((name) => name === 'POST /v1/movements').length >= 2);
  assert.equal((await sales('clogs-38')).length, before + 1);
  await context.close();
});

test('an order whose answer was lost is handed over once', async (t) => {
  const line = { sku: 'socks', location: 'malmo', quantity: 1 };
  const confirm = { order: 'web-1', fulfilment: { method: 'collect', location: 'malmo' } };
  const body = { lines: [line], confirm };
  const { id } = await server.done('POST', '/v1/reservations', body);
  const relay = new Relay(server);
  await relay.start();
  t.after(() => relay.stop());
  relay.loses = (name) => name.endsWith('/fulfil') && relay.lost.length === 0;
  const { page, context } = await open(browser, relay.url + path(tokens.till));
  await page.clock.install();
  await page.locator('body[data-ready]').waitFor();
  await page.keyboard.press('F8');
  await page.keyboard.type('web-1');
  await page.keyboard.press('Enter');
  await text(page, 'order-lines', '1 × ');
  await page.keyboard.press('Enter');
  await until('the lost answer', () => relay.lost.length === 1);
  await page.clock.runFor(60_000);
  await text(page, 'kept', 'All is recorded');
  const { state, lines } = await server.done('GET', `/v1/reservations/${id}`);
  assert.deepEqual([state, lines[0].fulfilled], ['fulfilled', 1]);
  assert.equal((await server.done('GET', '/v1/stock/socks/malmo')).on_hand, 2);
  await context.close();
});

test('what came too slowly for the server is sent again, a sale as well as an order', async () => {
  const line = { sku: 'socks', location: 'malmo', quantity: 1 };
  const confirm = { order: 'web-2', fulfilment: { method: 'collect', location: 'malmo' } };
  const { id } = await server.done('POST', '/v1/reservations', { lines: [line], confirm });
  const before = (await sales('clogs-38')).length;
  const late = { status: 408, json: { code: 'invalid_request', detail: 'the body did not arrive' } };
  const options = { expected: [/status of 408/], serviceWorkers: 'block' };
  const { page, context, errors } = await open(browser, server.url + path(tokens.till), options);
  await page.clock.install();
  await page.route(/movements$|fulfil$/, (route) => route.fulfill(late));
  const refused = page.waitForResponse((answer) => answer.status() === 408);
  await sell(page, 1);
  await refused;
  await page.locator('body[data-ready]').waitFor();
  await page.keyboard.press('F8');
  await page.keyboard.type('web-2');
  await page.keyboard.press('Enter');
  await text(page, 'order-lines', '1 × ');
  await page.keyboard.press('Enter');
  await text(page, 'kept', '2 to be sent');
  await page.unroute(/movements$|fulfil$/);
  const fulfil = (route) => route.fulfill(late);
  await page.route(/fulfil$/, fulfil, { times: 1 });
  await page.clock.runFor(60_000);
  await text(page, 'kept', 'All is recorded');
  assert.equal((await sales('clogs-38')).length, before + 1);
  assert.equal((await server.done('GET', `/v1/reservations/${id}`)).state, 'fulfilled');
  quiet(errors);
  await context.close();
});

test('a browser killed between sale and answer sells once', async () => {
  const profile = await mkdtemp(join(tmpdir(), 'onhand-till-'));
  const before = (await sales('clogs-38')).length;
  const relay = new Relay(server);
  await relay.start();
  relay.loses = (name) => name === 'POST /v1/movements';
  let chromium = await ChromiumProcess.start(profile);
  let page = chromium.context.pages()[0];
  await page.goto(relay.url + path(tokens.till));
  await scanned(page);
  await page.keyboard.type('5');
  await page.keyboard.press('Enter');
  // The server has it, the till does not know, and its browser dies.
  await until('the lost answer', () => relay.lost.length === 1);
  await chromium.kill();
  assert.equal((await sales('clogs-38')).length, before + 1);

  relay.loses = () => false;
  chromium = await ChromiumProcess.start(profile);
  page = await chromium.context.newPage();
  // A browser writes what it calls local storage when it likes: the till's link brings its token.
  await page.goto(relay.url + path(tokens.till));
  await text(page, 'kept', 'All is recorded');
  await text(page, 'latest', 'Sold 5 × Red clogs 38');
  assert.ok(relay.asked.filter((name) => name === 'POST /v1/movements').length >= 2);
  await sell(page, 1);
  await text(page, 'kept', 'All is recorded');
  const sold = (await sales('clogs-38')).slice(before);
  assert.deepEqual(sold.map(({ quantity }) => quantity), [5, 1]);
  assert.deepEqual(sold.map(({ id }) => id.split('-')[2]), ['000001', '000002']);
  await chromium.kill();
  await relay.stop();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
});

test('a sale sent under a token that was replaced meanwhile is found in the ledger', async (t) => {
  const before = (await sales('clogs-38')).length;
  const relay = new Relay(server);
  await relay.start();
  t.after(() => relay.stop());
  relay.loses = (name) => name === 'POST /v1/movements';
  const { page, context } = await open(browser, relay.url + path(tokens.till));
  await sell(page, 1);
  await until('the lost answer', () => relay.lost.length === 1);
  const grant = { locations: ['malmo'], channel: 'store' };
  const scopes = ['stock:read', 'stock:write', 'reserve', 'fulfil'];
  const replaced = await server.token('till 1 in Malmö, renewed', scopes, grant);
  relay.loses = () => false;
  await page.goto('about:blank');
  await page.goto(relay.url + path(replaced));
  await text(page, 'kept', 'All is recorded');
  assert.equal((await sales('clogs-38')).length, before + 1);
  await context.close();
});

test('two tabs of one till neither share a number nor send anything twice', async () => {
  const { page, context, errors } = await stand();
  const other = await context.newPage();
  await other.goto(`${server.url}/till/malmo?lang=en`);
  await text(page, 'connection', 'Live');
  await text(other, 'connection', 'Live');
  await keptForLater(other);
  const before = (await sales('clogs-38')).length;
  await server.stop();
  for (const tab of [page, other, page, other]) await sell(tab, 1);
  await text(page, 'kept', '4 to be sent');
  await text(other, 'kept', '4 to be sent');
  // The tab that sends goes away; the other one takes over.
  await page.close();
  await server.start();
  await text(other, 'kept', 'All is recorded');
  await sell(other, 1);
  let sold = [];
  await until('the last sale in the ledger', async () => {
    sold = (await sales('clogs-38')).slice(before);
    return sold.length >= 5;
  });
  const numbers = sold.map(({ id }) => Number(id.split('-')[2]));
  assert.deepEqual(numbers, [1, 2, 3, 4, 5]);
  quiet(errors);
  await context.close();
});

test('a till keeps only so much, and says when it is full', async () => {
  const { page, context, errors } = await stand();
  await text(page, 'connection', 'Live');
  await keptForLater(page);
  await server.stop();
  await text(page, 'connection', 'No connection');
  const other = await context.newPage();
  await other.route(`${server.url}/nothing`, (route) => route.fulfill({ body: 'nothing' }));
  await other.goto(`${server.url}/nothing`);
  await other.evaluate(async () => {
    const opening = indexedDB.open('onhand-till-malmo');
    await new Promise((done) => (opening.onsuccess = done));
    const transaction = opening.result.transaction('entries', 'readwrite');
    for (let number = 1_000; number < 5_999; number += 1) {
      const entry = { number, id: `x-${number}`, at: '2026-01-01', state: 'refused', kind: 'sale' };
      transaction.objectStore('entries').put({ ...entry, what: 'x', problem: {} });
    }
    await new Promise((done) => (transaction.oncomplete = done));
    opening.result.close();
  });
  await sell(page, 1);
  await scanned(page);
  await page.keyboard.press('Enter');
  await text(page, 'fault', '5000 wait on this device already');
  await page.keyboard.press('F9');
  await page.locator('#entries li').nth(99).waitFor();
  assert.equal(await page.locator('#told').innerText(), '');
  await server.start();
  quiet(errors);
  await context.close();
});
