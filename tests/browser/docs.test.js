// The documentation that the service serves, as a reader's browser shows it.

import { after, before, test } from 'node:test';

import { accessible, launch, open, picture, quiet, steady } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([Onhand.serve(), launch()]);
});
after(() => Promise.all([browser?.close(), server?.close()]));

const PATHS = ['/docs', '/docs/feed', '/docs/component', '/problems', '/problems/insufficient-stock'];
for (const path of PATHS) {
  test(`${path} shows without an error, for everybody, and stands still`, async () => {
    const { page, context, errors } = await open(browser, server.url + path);
    await accessible(page);
    await steady(page);
    await picture(page, path.slice(1).replaceAll('/', '-'));
    quiet(errors);
    await context.close();
  });
}
