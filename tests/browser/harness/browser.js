// A real Chromium, and what every page must hold: no console error, nothing that axe calls serious,
// no layout that shifts. It must not know which pages there are.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { chromium } from 'playwright-core';

import { PATIENCE_MS, until } from './patience.js';

const HERE = dirname(fileURLToPath(import.meta.url));
const SHOTS = join(HERE, '..', 'screenshots');
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A phone, a desk, a wall. */
export const WIDTHS = { 390: 844, 1280: 800, 1920: 1080 };

export const LAUNCH = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

/** Gathers what shifts, as a browser reports it, from the first paint on. */
function gatherShifts() {
  window.shifts = [];
  const place = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ');
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      const moved = sources.map(({ node, previousRect, currentRect }) => {
        const words = node?.textContent?.trim().slice(0, 40);
        return `"${words}" from ${place(previousRect)} to ${place(currentRect)}`;
      });
      window.shifts.push(`${value}: ${moved.join('; ')}`);
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

/** Sets a context up so that its pages can be judged. */
export async function judged(context) {
  context.setDefaultTimeout(PATIENCE_MS);
  await context.addInitScript(gatherShifts);
  return context;
}

export const launch = () => chromium.launch(LAUNCH);

/** Collects a page's console errors; those that match an expected pattern are let through. */
export function collectErrors(page, expected = []) {
  const errors = [];
  const note = (text) => {
    if (!expected.some((pattern) => pattern.test(text))) errors.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error') note(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => note(String(error.stack ?? error)));
  return errors;
}

/**
 * A page in a browser profile of its own. `errors` are its console errors so far; `options` are
 * the context's, and `expected` patterns of console errors that belong to what is tested.
 */
export async function open(browser, url, { expected, ...options } = {}) {
  const context = await judged(await browser.newContext(options));
  const page = await context.newPage();
  const errors = collectErrors(page, expected);
  await page.goto(url);
  return { page, context, errors };
}

/** Fails with what axe finds serious or critical. */
export async function accessible(page) {
  const axe = await page.evaluate((source) => {
    // Runs outside of the page's policy, as a developer's console does.
    if (!window.axe) (0, eval)(source);
    return window.axe.run(document, { resultTypes: ['violations'] });
  }, AXE);
  const grave = axe.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  const told = grave.map(({ id, help, nodes }) => {
    const where = nodes.map(({ target, failureSummary }) => `  ${target}: ${failureSummary}`);
    return [`${id}: ${help}`, ...where].join('\n');
  });
  assert.equal(told.join('\n'), '');
}

/** Fails if anything on the page ever moved by itself. */
export async function steady(page) {
  const shifts = await page.evaluate(() => window.shifts);
  assert.deepEqual(shifts, [], 'the layout shifted (CLS is not 0)');
}

/** Fails with the page's console errors. */
export function quiet(errors) {
  assert.deepEqual(errors, [], 'errors in the console');
}

/**
 * Fails if something keeps sticking out, so that the page would have to be moved sideways to be
 * read. A page fits itself to a new width before it is painted, but it may be asked before that.
 */
const narrow = (page) => until(`${page.url()} is no wider than its window`, () =>
  page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));

/** Pictures of the page for a person to look at, at each width, light and dark. */
export async function picture(page, name) {
  const before = page.viewportSize();
  for (const [width, height] of Object.entries(WIDTHS)) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width: Number(width), height });
      await page.emulateMedia({ colorScheme });
      await narrow(page);
      await page.screenshot({ path: join(SHOTS, `${name}-${width}-${colorScheme}.png`) });
    }
  }
  await page.emulateMedia({ colorScheme: null });
  await page.setViewportSize(before);
}
