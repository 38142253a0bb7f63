// The pages of a store at an address that is not the listener's own: behind a proxy, or without TLS.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

import { accessible, LAUNCH, open, quiet } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';
import { openStores } from './harness/retailer.js';

let server;
let browser;
let tokens;
let port;

before(async () => {
  server = await Onhand.serve();
  ({ port } = new URL(server.url));
  // What a browser does for a name with TLS it does for `stock.example`, and not for `plain.example`.
  const args = [
    ...LAUNCH.args,
    '--host-resolver-rules=MAP *.example 127.0.0.1',
    `--unsafely-treat-insecure-origin-as-secure=http://stock.example:${port}`,
  ];
  browser = await chromium.launch({ ...LAUNCH, args });
  tokens = await openStores(server);
});
after(() => Promise.all([browser?.close(), server?.close()]));

const at = (host, kind, more = {}) => open(
  browser,
  `http://${host}:${port}/${kind}/malmo#token=${tokens[kind]}`,
  { locale: 'en', ...more },
);

test('where the feed lets no page in, screen and till say which list the address belongs on', async () => {
  for (const kind of ['screen', 'till']) {
    const { page, context, errors } = await at('stock.example', kind);
    const told = await page.getByText('is not on the list http.origins').innerText();
    assert.ok(told.includes(`http://stock.example:${port},`), told);
    await accessible(page);
    quiet(errors);
    await context.close();
  }
});

test('without TLS the till says what it needs, in the language of who reads it', async () => {
  for (const [locale, words] of [
    ['en', 'The till needs https'],
    ['sv', 'Kassan behöver https'],
    ['da', 'Kassen skal bruge https'],
  ]) {
    const { page, context, errors } = await at('plain.example', 'till', { locale });
    await page.getByText(words).waitFor();
    assert.ok(await page.getByText('Malmö · kass').or(page.getByText('Malmö · till')).isVisible());
    await accessible(page);
    quiet(errors);
    await context.close();
  }
});
