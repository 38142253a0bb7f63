// What one does at the till, the others see: the demo with all its pages open at once, as its
// links open them.

import { after, before, test } from 'node:test';

import { launch, open, quiet } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';

let demo;
let browser;

before(async () => {
  [demo, browser] = await Promise.all([Onhand.demo(), launch()]);
});
after(() => Promise.all([browser?.close(), demo?.close()]));

/** A link that the demo printed. */
const link = (path) => demo.told(new RegExp(`open\\s+(\\S+${path}\\S*)`));

test('a sale at the till changes the screen without a reload', async () => {
  const tall = { locale: 'en', viewport: { width: 1280, height: 2400 } };
  const screen = await open(browser, await link('/screen/malmo'), tall);
  const till = await open(browser, await link('/till/malmo'), { locale: 'en' });
  const { page } = till;
  await page.locator('#connection', { hasText: 'Live' }).waitFor();
  await page.keyboard.type('2000000000039');
  await page.keyboard.press('Enter');
  const here = page.locator('#levels .here');
  await here.waitFor();
  const there = Number((await here.innerText()).match(/(\d+)\s*$/)[1]);
  const row = screen.page.locator('tbody tr:not([hidden])', { hasText: 'Red clogs 38' });
  await row.getByText('In stock').waitFor();
  await page.keyboard.type(String(there - 2));
  await page.keyboard.press('Enter');
  await row.getByText('Only 2 left').waitFor();
  await page.keyboard.type('2000000000039');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.id === 'quantity');
  await page.keyboard.type('2');
  await page.keyboard.press('Enter');
  await row.getByText('Out of stock').waitFor();
  quiet([...screen.errors, ...till.errors]);
});
