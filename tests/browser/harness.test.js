// What every page is held to does find what it is for.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { accessible, launch, open, quiet, steady } from './harness/browser.js';

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

async function bad(body) {
  const html = `<!doctype html><html lang="en"><title>Bad</title><body>${body}`;
  return open(browser, `data:text/html,${encodeURIComponent(html)}`);
}

test('an error in the console is found, and only what is expected is let through', async () => {
  const { page, errors } = await bad('<script>console.error("one"); throw Error("two")</script>');
  assert.throws(() => quiet(errors));
  assert.equal(errors.length, 2);
  await page.context().close();
});

test('a field without a label is found', async () => {
  const { page } = await bad('<main><h1>Field</h1><input></main>');
  await assert.rejects(accessible(page), /label/);
  await page.context().close();
});

test('a layout that shifts is found', async () => {
  const { page } = await bad('<div id="a"></div><main><h1>Text that is pushed down</h1></main>');
  await page.evaluate(() => new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(() => {
      document.getElementById('a').style.height = '300px';
      requestAnimationFrame(() => requestAnimationFrame(done));
    }));
  }));
  await page.waitForFunction(() => window.shifts.length > 0);
  await assert.rejects(steady(page));
  await page.context().close();
});
