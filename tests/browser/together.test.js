// What one does at the till, all others see: the demo with its pages open at once, as its links
// open them.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { launch, open, quiet } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';
import { until } from './harness/patience.js';

const SKU = 'red-clogs-38';
const BARCODE = '2000000000039';
const STORES = ['warehouse', 'malmo', 'lund'];

let demo;
let browser;

before(async () => {
  [demo, browser] = await Promise.all([Onhand.demo('--seed=1'), launch()]);
});
after(() => Promise.all([browser?.close(), demo?.close()]));

/** A link that the demo printed. */
const link = (path) => demo.told(new RegExp(`open\\s+(\\S+${path}\\S*)`));

/** Has 4 of the item in Malmö and none elsewhere. */
async function fourInMalmo() {
  const admin = await demo.told(/curl -sS '\S+\/v1\/tokens' -H 'Authorization: Bearer (\S+?)'/);
  const grant = { name: 'office', scopes: ['stock:write'] };
  const { token } = await demo.done('POST', '/v1/tokens', grant, { token: admin });
  const movements = STORES.map((location) => {
    const quantity = location === 'malmo' ? 4 : 0;
    return { id: `together-${location}`, type: 'count', sku: SKU, location, quantity };
  });
  await demo.done('POST', '/v1/movements', { movements }, { token });
}

/** What the shop's pages say of the item at these locations. */
const says = (page, locations) => page.evaluate(([sku, places]) => {
  const found = document.querySelector(`onhand-stock[sku="${sku}"][location="${places}"]`);
  return found?.hasAttribute('state') && found.shadowRoot.querySelector('[part=text]').textContent;
}, [SKU, locations]);

test('a sale at the till changes screen, product page and list without a reload', async () => {
  await fourInMalmo();
  const shop = await demo.told(/open\s+(\S+)\/\s+the web shop/);
  const tall = { locale: 'en', viewport: { width: 1280, height: 2400 } };
  const screen = await open(browser, await link('/screen/malmo'), tall);
  const list = await open(browser, `${shop}/`, tall);
  const one = await open(browser, `${shop}/product/red-clogs?sku=${SKU}`, tall);
  const till = await open(browser, await link('/till/malmo'), { locale: 'en' });
  const all = [screen, list, one, till];
  for (const { page } of all) await page.evaluate(() => (window.wasNeverReloaded = true));

  const row = screen.page.locator('tbody tr:not([hidden])', { hasText: 'Red clogs 38' });
  const allSay = async (words) => {
    await row.getByText(words).waitFor();
    await until(`the page says ${words}`, async () => (await says(one.page, 'malmo')) === words);
    const everywhere = STORES.join(',');
    await until(`the list says ${words}`, async () => (await says(list.page, everywhere)) === words);
  };
  const sell = async (amount) => {
    await till.page.keyboard.type(BARCODE);
    await till.page.keyboard.press('Enter');
    await till.page.waitForFunction(() => document.activeElement.id === 'quantity');
    await till.page.keyboard.type(amount);
    await till.page.keyboard.press('Enter');
    await till.page.locator('#told', { hasText: `Sold ${amount} ×` }).waitFor();
  };
  await till.page.locator('#connection', { hasText: 'Live' }).waitFor();
  await allSay('In stock');
  await sell('2');
  await allSay('Only 2 left');
  await sell('2');
  await allSay('Out of stock');
  for (const { page, errors } of all) {
    assert.ok(await page.evaluate(() => window.wasNeverReloaded));
    quiet(errors);
  }
});
