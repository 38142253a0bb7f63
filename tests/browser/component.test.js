// `<onhand-stock>` on a shop's own page, on an origin of its own and under a strict policy: what a
// shopper sees, hears and never sees.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import { accessible, launch, open, quiet, steady } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';
import { until } from './harness/patience.js';
import { Site } from './harness/site.js';

// What a lost server makes every browser say.
const LOST = [/WebSocket connection to .* failed/, /net::ERR_/];

let server;
let browser;
let site;
let folder;
let pages = 0;
const opened = [];

before(async () => {
  site = await Site.open();
  folder = await mkdtemp(join(tmpdir(), 'onhand-component-'));
  const config = join(folder, 'onhand.toml');
  await writeFile(config, `[http]\norigins = "${site.url}"\n`);
  [server, browser] = await Promise.all([Onhand.serve('--config', config), launch()]);
  site.allow(server.url);
  for (const place of ['malmo', 'lund']) {
    await server.done('PUT', `/v1/locations/${place}`, { name: place, kind: 'store' });
  }
});
afterEach(() => Promise.all(opened.splice(0).map((context) => context.close())));
after(async () => {
  await browser?.close();
  await server?.close();
  site?.close();
  if (folder) await rm(folder, { recursive: true });
});

/** A new item, with this much in Malmö. */
async function item(sku, quantity, more = {}) {
  await server.done('PUT', `/v1/items/${sku}`, { name: `Clogs ${sku}`, ...more });
  if (quantity !== undefined) await server.movement('receipt', sku, 'malmo', quantity);
}

/** Opens a page of the site with this in its body. */
async function shown(body, { lang = 'en', expected, load, ...options } = {}) {
  const path = `/page-${++pages}`;
  const script = `<script type="module" src="${server.url}/web/onhand-stock.js"></script>`;
  site.pages.set(path, `<!doctype html><html lang="${lang}"><head><meta charset="utf-8">
    <title>A product</title><link rel="icon" href="data:,">
    ${load ?? script}
    </head><body><main><h1>A product</h1>${body}</main></body></html>`);
  const sockets = [];
  const context = await open(browser, 'about:blank', { expected, ...options });
  opened.push(context.context);
  context.page.on('websocket', (socket) => {
    const frames = [];
    sockets.push({ frames, socket });
    socket.on('framesent', ({ payload }) => frames.push(JSON.parse(payload)));
  });
  await context.page.goto(site.url + path);
  return { ...context, sockets };
}

const element = (sku, more = '', text = 'See the store') =>
  `<p><onhand-stock sku="${sku}" location="malmo" ${more}>${text}</onhand-stock></p>`;

/** What a part of the first element says. */
const part = (page, name, nth = 0) => page.evaluate(([name, nth]) => {
  const host = document.querySelectorAll('onhand-stock')[nth];
  const found = host.shadowRoot?.querySelector(`[part=${name}]`);
  const slot = found?.querySelector('slot');
  const text = slot ? slot.assignedNodes().map((node) => node.textContent).join('') : found?.textContent;
  return text && getComputedStyle(found).visibility === 'visible' ? text : '';
}, [name, nth]);

const says = (page, words, name = 'text', nth = 0) =>
  until(`${name}: ${words}`, async () => (await part(page, name, nth)) === words);

const announced = (page) => page.evaluate(() => document.querySelector('[role=status]').textContent);

test('the text in it stands until the level is known, and follows every sale from then on', async () => {
  await item('follow', 9);
  const { page, errors } = await shown(element('follow'));
  await says(page, 'In stock');
  await server.movement('sale', 'follow', 'malmo', 7);
  await says(page, 'Only 2 left');
  await server.movement('sale', 'follow', 'malmo', 2);
  await says(page, 'Out of stock');
  assert.equal(await page.locator('onhand-stock').getAttribute('state'), 'out_of_stock');
  await server.movement('receipt', 'follow', 'malmo', 12);
  await says(page, 'In stock');
  await accessible(page);
  await steady(page);
  quiet(errors);
});

test('without a script, or without the server, what the shop rendered stands', async () => {
  await item('fallback', 1);
  const without = await shown(element('fallback'), { javaScriptEnabled: false });
  assert.equal(await without.page.locator('onhand-stock').innerText(), 'See the store');
  // A product that is none is no reason to show nothing of the others.
  const { page, errors } = await shown(element('fall@back') + element('fallback'));
  await says(page, 'Only 1 left', 'text', 1);
  assert.equal(await part(page, 'text'), 'See the store');
  quiet(errors);
});

test('a key that can be none takes nothing from other elements', async () => {
  await item('sound', 1);
  const none = ['träsko', 'x'.repeat(65), '50%', ''];
  const { page, errors } = await shown(none.map((sku) => element(sku)).join('') + element(' sound '));
  await says(page, 'Only 1 left', 'text', none.length);
  assert.equal(await part(page, 'text'), 'See the store');
  quiet(errors);
});

test('a count that the page came with is not shown past the staleness limit either', async () => {
  const nobody = 'http://127.0.0.1:1';
  site.allow(server.url, nobody);
  const more = `server="${nobody}" stale-seconds="6"`;
  const { page } = await shown(element('any', more, 'Only 3 left') + element('any', more, 'In stock'),
    { expected: LOST });
  await until('an old text is marked', async () => (await part(page, 'age')).startsWith('as of '));
  await says(page, 'Not known now');
  assert.equal(await part(page, 'text', 1), 'In stock');
  await steady(page);
});

test('all elements of a page share one socket, and only what is in view is followed', async () => {
  for (const sku of ['near', 'far']) await item(sku, 9);
  const body = element('near') + element('near') + '<div>.</div>'.repeat(400) + element('far');
  const { page, sockets, errors } = await shown(body);
  await says(page, 'In stock');
  await says(page, 'In stock', 'text', 1);
  assert.equal(sockets.length, 1);
  const asked = () => sockets[0].frames.filter(({ op }) => op === 'subscribe').flatMap(({ keys }) => keys);
  assert.deepEqual(asked(), ['near@malmo']);
  await page.locator('onhand-stock').last().scrollIntoViewIfNeeded();
  await says(page, 'In stock', 'text', 2);
  assert.deepEqual(asked(), ['near@malmo', 'far@malmo']);
  await until('near is left', () => sockets[0].frames.some(({ op, keys }) =>
    op === 'unsubscribe' && keys.includes('near@malmo')));
  assert.equal(sockets.length, 1);
  quiet(errors);
});

test('what comes back into view when there is no room to follow it is shown as old', async () => {
  const config = join(folder, 'few.toml');
  await writeFile(config, `[http]\norigins = "${site.url}"\n[feed]\nkeys_max = 2\n`);
  const few = await Onhand.serve('--config', config);
  site.allow(server.url, few.url);
  const names = ['one', 'two', 'three'];
  await few.done('PUT', '/v1/locations/malmo', { name: 'Malmö', kind: 'store' });
  for (const sku of names) {
    await few.done('PUT', `/v1/items/${sku}`, { name: sku });
    await few.movement('receipt', sku, 'malmo', 2);
  }
  const { page, errors } = await shown(names.map((sku) => element(sku, `server="${few.url}"`)).join(''),
    { expected: LOST });
  const hide = (...hidden) => page.evaluate((hidden) => {
    document.querySelectorAll('onhand-stock').forEach((element) =>
      (element.hidden = hidden.includes(element.getAttribute('sku'))));
  }, hidden);
  await says(page, 'Only 2 left');
  await hide('one');
  await says(page, 'Only 2 left', 'text', 2);
  await hide();
  await until('it is marked as old', async () => (await part(page, 'age')).startsWith('as of '));
  assert.equal(await part(page, 'age', 2), '');
  await few.movement('sale', 'one', 'malmo', 2);
  await hide('two');
  await says(page, 'Out of stock');
  await says(page, '', 'age');
  await few.close();
  quiet(errors);
});

test('several locations show the best of them', async () => {
  await item('best', 2);
  const { page } = await shown('<onhand-stock sku="best" location="malmo,lund">?</onhand-stock>');
  await says(page, 'Only 2 left');
  await server.movement('receipt', 'best', 'lund', 20);
  await says(page, 'In stock');
});

test('the price is shown if asked for, with the one before an offer, and follows it', async () => {
  const price = { amount: '300.00', currency: 'SEK' };
  await item('price', 9, { price });
  const { page, errors } = await shown(element('price', 'price') + element('price'), { lang: 'sv' });
  await says(page, '300\u00a0kr', 'price');
  assert.equal(await part(page, 'was'), '');
  await server.done('PATCH', '/v1/items/price', { offer: { amount: '240.50' } });
  await says(page, '240,50\u00a0kr', 'price');
  await says(page, 'tidigare 300\u00a0kr', 'was');
  assert.equal(await part(page, 'price', 1), '');
  await accessible(page);
  await steady(page);
  quiet(errors);
});

test('it speaks English, Swedish and Danish, in the plural, or as the shop wants', async () => {
  await item('words', 1);
  await item('cloth', 1.5, { unit: 'metre', decimals: 2 });
  const { page } = await shown(element('words')
    + `<div lang="sv">${element('words')}</div>`
    + `<div lang="da-DK">${element('words')}</div>`
    + element('words', 'text-limited-one="The last pair!" text-limited-other="{n} pairs"')
    + element('cloth', 'lang="sv"'));
  await says(page, 'Only 1 left', 'text', 0);
  await says(page, 'Bara 1 kvar', 'text', 1);
  await says(page, 'Kun 1 tilbage', 'text', 2);
  await says(page, 'The last pair!', 'text', 3);
  await says(page, 'Bara 1,5 metre kvar', 'text', 4);
  await server.movement('receipt', 'words', 'malmo', 1);
  await says(page, '2 pairs', 'text', 3);
});

test('a shop that speaks another language has its plural forms', async () => {
  await item('plural', 3);
  const own = 'lang="pl_PL" text-limited-few="Tylko {n} pary"';
  const { page } = await shown(element('plural', own));
  await says(page, 'Tylko 3 pary');
});

test('a language that is none falls back, one not spoken to English, and neither silences any', async () => {
  await item('tags', 1.5, { unit: 'metre', decimals: 2 });
  const said = {
    sv_SE: 'Bara 1,5 metre kvar',
    'SV-fi': 'Bara 1,5 metre kvar',
    'da-': 'Kun 1,5 metre tilbage',
    x: 'Only 1.5 metre left',
    'en-': 'Only 1.5 metre left',
    'de-AT': 'Only 1,5 metre left',
    dav: 'Only 1.5 metre left',
    svenska: 'Only 1.5 metre left',
    constructor: 'Only 1.5 metre left',
  };
  const body = Object.keys(said).map((lang) => element('tags', `lang="${lang}"`));
  const { page, errors } = await shown(body.join('') + element('tags'), { lang: 'en_US' });
  for (const [nth, words] of [...Object.values(said), 'Only 1.5 metre left'].entries()) {
    await says(page, words, 'text', nth);
  }
  const ofNone = (url) => import(`${url}/web/texts.js`).then(({ spoken }) => spoken(undefined));
  assert.equal(await page.evaluate(ofNone, server.url), 'en');
  quiet(errors);
});

test('a count is told with all the decimals it has', async () => {
  await item('saffron', 0.0004, { unit: 'kg', decimals: 6 });
  const { page } = await shown(element('saffron'));
  await says(page, 'Only 0.0004 kg left');
});

test('one polite region tells of changed statuses, of nothing else, and of each once', async () => {
  await item('heard', 3);
  const name = 'name="Red clogs, Malmö"';
  const { page, errors } = await shown(element('heard', name) + element('heard', name));
  await says(page, 'Only 3 left');
  const regions = await page.locator('[role=status]').count();
  assert.equal(regions, 1);
  await page.evaluate(() => {
    window.heard = [];
    const region = document.querySelector('[role=status]');
    new MutationObserver(() => heard.push(region.textContent)).observe(region, { childList: true });
  });
  await server.movement('sale', 'heard', 'malmo', 1);
  await says(page, 'Only 2 left');
  await server.movement('sale', 'heard', 'malmo', 2);
  await until('the news', async () => (await announced(page)) !== '');
  assert.deepEqual(await page.evaluate(() => heard), ['Red clogs, Malmö: Out of stock']);
  quiet(errors);
});

test('a server that restarts is come back to when it said, and nothing is asked for twice', async () => {
  await item('restart', 9);
  const { page, sockets } = await shown(element('restart'), { expected: LOST });
  await says(page, 'In stock');
  let told;
  sockets[0].socket.on('framereceived', ({ payload }) => {
    const frame = JSON.parse(payload);
    if (frame.type === 'going_away') told = { ...frame, at: performance.now() };
  });
  await server.stop();
  await until('an old figure is marked', async () => (await part(page, 'age')).startsWith('as of '));
  assert.ok(told, 'going_away was not told');
  await server.start();
  await until('the way back', () => sockets.some(({ frames }, nth) => nth > 0 && frames.length));
  assert.ok(performance.now() - told.at >= told.retry_after_ms, 'it came back too early');
  const [again] = sockets.find(({ frames }, nth) => nth > 0 && frames.length).frames;
  assert.deepEqual([again.op, again.keys], ['subscribe', ['restart@malmo']]);
  assert.ok(again.have['restart@malmo'] > 0);
  await until('it is live again', async () => (await part(page, 'age')) === '');
  await server.movement('sale', 'restart', 'malmo', 8);
  await says(page, 'Only 1 left');
  await steady(page);
});

test('past the staleness limit no count is shown, and the page is told', async () => {
  await item('stale', 2);
  const { page } = await shown(element('stale', 'stale-seconds="6"'), { expected: LOST });
  await page.evaluate(() => {
    window.told = [];
    addEventListener('onhand-change', (event) => {
      const { sku, location, status, available, stale, constructor } = event;
      told.push([constructor.name, sku, location, status, available, stale]);
    });
  });
  await says(page, 'Only 2 left');
  await server.kill();
  await says(page, 'Few left');
  assert.match(await part(page, 'age'), /^as of \d\d:\d\d/);
  const last = await page.evaluate(() => told.at(-1));
  assert.deepEqual(last, ['OnhandChangeEvent', 'stale', 'malmo', 'limited', 2, true]);
  await server.start();
  await says(page, 'Only 2 left');
  await steady(page);
});

test('a staleness limit that is none is taken for the usual one', async () => {
  await item('limit', 2);
  const limits = ['2m', '-6', '', 'never', ' ', '86400', '1.5'];
  const body = limits.map((limit) => element('limit', `stale-seconds="${limit}"`)).join('');
  const { page } = await shown(body);
  for (const nth of limits.keys()) await says(page, 'Only 2 left', 'text', nth);
  // All in one turn of the page: no frame of the feed comes in between.
  const after = (seconds) => page.evaluate((seconds) => {
    const right = Date.now;
    Date.now = () => right() + 1000 * seconds;
    dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }));
    Date.now = right;
    return [...document.querySelectorAll('onhand-stock')].map((element) =>
      element.shadowRoot.querySelector('[part=text]').textContent === 'Few left');
  }, seconds);
  assert.deepEqual(await after(100), [false, false, false, false, false, false, true]);
  assert.deepEqual(await after(150), [true, true, true, true, true, false, true]);
});

test('a page that is put away lets the socket go, and catches up when it is shown again', async () => {
  await item('away', 9);
  const { page, sockets } = await shown(element('away'));
  await says(page, 'In stock');
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })));
  await until('the socket closes', () => sockets[0].socket.isClosed());
  await server.movement('sale', 'away', 'malmo', 9);
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await says(page, 'Out of stock');
  assert.equal(sockets.length, 2);
});

test('what is stocked no more while the page is put away is not shown as it was', async () => {
  await item('gone', 9);
  const { page } = await shown(element('gone'));
  await says(page, 'In stock');
  const turn = (kind) => page.evaluate((kind) =>
    dispatchEvent(new PageTransitionEvent(kind, { persisted: true })), kind);
  await turn('pagehide');
  await server.movement('sale', 'gone', 'malmo', 9);
  await server.done('DELETE', '/v1/stock/gone/malmo');
  await turn('pageshow');
  await says(page, 'Not sold here');
});

test('a page that comes back after hours shows no count before it has heard a new one', async () => {
  await item('asleep', 2);
  const { page } = await shown(element('asleep'));
  await says(page, 'Only 2 left');
  // All in one turn of the page: no timer and no frame of the feed comes in between.
  const first = await page.evaluate(() => {
    const turn = (kind) => dispatchEvent(new PageTransitionEvent(kind, { persisted: true }));
    turn('pagehide');
    const right = Date.now;
    Date.now = () => right() + 3 * 3_600_000;
    turn('pageshow');
    return document.querySelector('onhand-stock').shadowRoot.querySelector('[part=text]').textContent;
  });
  assert.equal(first, 'Few left');
  await says(page, 'Only 2 left');
});

test('an element that is given another product forgets the first, and one that is gone leaves', async () => {
  await item('first', 1);
  await item('second');
  const { page, sockets } = await shown(element('first'));
  await says(page, 'Only 1 left');
  await page.evaluate(() => document.querySelector('onhand-stock').setAttribute('sku', 'second'));
  await says(page, 'Not sold here');
  await server.movement('receipt', 'second', 'malmo', 9);
  await says(page, 'In stock');
  await page.evaluate(() => document.querySelector('onhand-stock').remove());
  const left = () => sockets[0].frames.some(({ op, keys }) =>
    op === 'unsubscribe' && keys.includes('second@malmo'));
  await until('nothing is followed', left);
});

test('it can be styled by its parts and properties, and moves only for those who like it', async () => {
  await item('style', 9);
  const style = await shown(element('style'), { reducedMotion: 'reduce' });
  await says(style.page, 'In stock');
  const dot = (page, property) => page.evaluate((property) => {
    const found = document.querySelector('onhand-stock').shadowRoot.querySelector('[part=dot]');
    return getComputedStyle(found)[property];
  }, property);
  assert.match(await dot(style.page, 'transitionDuration'), /^0s/);
  await style.page.evaluate(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync('onhand-stock { --onhand-in-stock: rgb(1, 2, 3) } ::part(text) { color: rgb(4, 5, 6) }');
    document.adoptedStyleSheets = [sheet];
  });
  assert.equal(await dot(style.page, 'backgroundColor'), 'rgb(1, 2, 3)');
  const lively = await shown(element('style'), { reducedMotion: 'no-preference' });
  await says(lively.page, 'In stock');
  assert.match(await dot(lively.page, 'transitionDuration'), /^0\.3s/);
});

/** The example in the documentation that has this in it. */
async function documented(words) {
  const answer = await fetch(`${server.url}/docs/component`);
  const examples = (await answer.text()).split('<code>').map((text) => text.split('</code>')[0]);
  const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&amp;': '&' };
  const plain = (text) => text.replace(/&\w+;/g, (entity) => entities[entity] ?? entity);
  return examples.map(plain).find((text) => text.includes(words) && text.includes('\n'));
}

test('a script that comes late moves nothing where the documented style is', async () => {
  await item('late', 2);
  site.pages.set('/late.css', await documented(':not(:defined)'));
  const load = '<link rel="stylesheet" href="/late.css">';
  const { page, errors } = await shown(element('late'), { load });
  const text = page.locator('onhand-stock');
  const before = await text.boundingBox();
  await page.evaluate((url) => import(url).then(() => {}), `${server.url}/web/onhand-stock.js`);
  await says(page, 'Only 2 left');
  const after = await text.boundingBox();
  assert.deepEqual([after.x, after.y, after.height], [before.x, before.y, before.height]);
  await steady(page);
  quiet(errors);
});

test('the hashes in the documentation let this release in and nothing else', async () => {
  await item('hashed', 1);
  const load = (await documented('integrity')).replaceAll('https://stock.example', server.url);
  assert.equal(load.match(/integrity="sha384-/g).length, 3);
  const { page, errors } = await shown(element('hashed'), { load });
  await says(page, 'Only 1 left');
  quiet(errors);
  const forged = load.replace('<script', '<script data-x').replace(/(sha384-)..(?=[^]*$)/g, '$1AA');
  const expected = [/integrity/];
  const other = await shown(element('hashed'), { load: forged, expected });
  await other.page.waitForLoadState('networkidle');
  assert.equal(await part(other.page, 'text'), '');
  assert.equal(await other.page.locator('onhand-stock').innerText(), 'See the store');
});
