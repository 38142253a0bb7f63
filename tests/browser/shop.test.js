// The demo's web shop as its customers use it, against the real binary: stock that follows the
// tills, a cart that lapses, the last pair, and a Swish that says things twice, late and wrong.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';

import { accessible, launch, open, picture, quiet, steady } from './harness/browser.js';
import { Onhand } from './harness/onhand.js';
import { until } from './harness/patience.js';

const ROOM = 'red-clogs-42'; // Plenty in the warehouse.

let demo;
let shop;
let browser;
let clerk;
const opened = [];

before(async () => {
  [demo, browser] = await Promise.all([Onhand.demo('--seed=1'), launch()]);
  shop = await demo.told(/open\s+(\S+)\/\s+the web shop/);
  clerk = await office(demo);
});
afterEach(() => Promise.all(opened.splice(0).map((context) => context.close())));
after(async () => {
  await browser?.close();
  await demo?.close();
});

/** A token of the office's, made by the operator whom the guide names. */
async function office(demo) {
  const token = await demo.told(/curl -sS '\S+\/v1\/tokens' -H 'Authorization: Bearer (\S+?)'/);
  const scopes = ['stock:read', 'stock:write', 'reserve', 'fulfil', 'catalogue:write'];
  const made = await demo.done('POST', '/v1/tokens', { name: 'office', scopes }, { token });
  return made.token;
}

/** A customer with a browser of their own, on a page of the shop. */
async function customer(path, options) {
  const visit = await open(browser, shop + path, options);
  opened.push(visit.context);
  return visit;
}

const asClerk = (method, path, body) => demo.done(method, path, body, { token: clerk });
let movements = 0;

/** Has this much of an item at a place, whatever was there. */
async function stock(sku, location, quantity) {
  const id = `shop-test-${++movements}`;
  const count = { id, type: 'count', sku, location, quantity };
  const { results } = await asClerk('POST', '/v1/movements', { movements: [count] });
  assert.equal(results[0].status, 'applied', JSON.stringify(results));
}

/** A till sells. */
async function sell(sku, location, quantity) {
  const id = `shop-test-${++movements}`;
  const sale = { id, type: 'sale', sku, location, quantity };
  const { results } = await asClerk('POST', '/v1/movements', { movements: [sale] });
  assert.equal(results[0].status, 'applied', JSON.stringify(results));
}

const figures = (sku, location) => asClerk('GET', `/v1/stock/${sku}/${location}`);

const product = (sku) => `/product/${sku.replace(/-(\d+|natural)$/, '')}?sku=${sku}`;

/** What the component says of an item at places. */
const says = (page, sku, location) => page.evaluate(([sku, location]) => {
  const host = document.querySelector(`onhand-stock[sku="${sku}"][location="${location}"]:not(.only-price)`);
  return host.hasAttribute('state') && host.shadowRoot.querySelector('[part=text]').textContent;
}, [sku, location]);

const shows = (page, sku, location, words) =>
  until(`${sku} at ${location}: ${words}`, async () => (await says(page, sku, location)) === words);

/** Puts an item into the cart, from a place. */
async function putIn(page, sku, location = 'warehouse', quantity = '1') {
  await page.goto(shop + product(sku));
  await page.check(`.choice input[value=${location}]`);
  await page.fill('#quantity', quantity);
  await page.click('text=Add to cart');
}

/** From the cart to the page of Swish. */
async function toSwish(page, way = 'warehouse') {
  await page.goto(`${shop}/checkout`);
  await page.check(`.choice input[value=${way}]`);
  await page.click('text=Pay with Swish');
  await page.waitForSelector('text=A pretend Swish');
}

/** Answers Swish's question, and is back in the shop. */
async function answer(page, choice, seconds = '1') {
  await page.check(`[value=${choice}]`);
  await page.fill('#seconds', seconds);
  await page.click('text=Do it');
  await page.waitForSelector('h1:has-text("Order")');
}

const notice = (page, words) => page.waitForSelector(`.notice:has-text("${words}")`);

/** Keeps back the page at this path until the one that is left has heard of its order again. */
async function keptBack(page, path) {
  const session = await page.context().newCDPSession(page);
  session.on('Fetch.requestPaused', async ({ requestId }) => {
    await page.waitForResponse((answer) => answer.url().endsWith('/state'));
    await session.send('Fetch.continueRequest', { requestId });
  });
  const patterns = [{ urlPattern: `*${path}`, requestStage: 'Response' }];
  await session.send('Fetch.enable', { patterns });
  return () => session.detach();
}

const ALL = 'warehouse,malmo,lund';

test('a sale at a till changes the product page and the list without a reload', async () => {
  const sku = 'blue-clogs-36';
  for (const place of ['warehouse', 'malmo']) await stock(sku, place, 0);
  await stock(sku, 'lund', 9);
  const list = await customer('/');
  const one = await customer(product(sku));
  // Its price is followed by what it is for.
  const cloth = await customer(product('linen-natural'));
  await cloth.page.waitForSelector('.only-price[state]');
  await shows(list.page, sku, ALL, 'In stock');
  await shows(one.page, sku, 'lund', 'In stock');
  await shows(one.page, sku, 'malmo', 'Out of stock');
  await sell(sku, 'lund', 7);
  await shows(list.page, sku, ALL, 'Only 2 left');
  await shows(one.page, sku, 'lund', 'Only 2 left');
  await sell(sku, 'lund', 2);
  await shows(list.page, sku, ALL, 'Out of stock');
  await until('it can be chosen no longer', () => one.page.isDisabled('.choice input[value=lund]'));
  await stock(sku, 'lund', 5);
  await shows(one.page, sku, 'lund', 'In stock');
  assert.equal(await one.page.isDisabled('.choice input[value=lund]'), false);
  for (const { page, errors } of [list, one, cloth]) {
    await accessible(page);
    await steady(page);
    quiet(errors);
  }
  await picture(list.page, 'shop-list');
  await picture(one.page, 'shop-product');
});

test('a page without a network says how old its figures are, and catches up', async () => {
  const sku = 'blue-clogs-40';
  await stock(sku, 'lund', 9);
  const expected = [/ERR_INTERNET_DISCONNECTED/];
  const { page, context, errors } = await customer(product(sku), { expected, locale: 'en' });
  const age = () => page.evaluate(() => {
    const host = document.querySelector('.choice onhand-stock[location=lund]');
    const part = host.shadowRoot.querySelector('[part=age]');
    const fits = part.getBoundingClientRect().right <= host.parentElement.getBoundingClientRect().right;
    return fits && getComputedStyle(part).visibility === 'visible' ? part.textContent : '';
  });
  await shows(page, sku, 'lund', 'In stock');
  assert.equal(await age(), '');
  await context.setOffline(true);
  await until('an age', async () => /^as of \d\d:\d\d/.test(await age()));
  await accessible(page);
  await picture(page, 'shop-product-offline');
  await sell(sku, 'lund', 7);
  await context.setOffline(false);
  await shows(page, sku, 'lund', 'Only 2 left');
  await until('it is live again', async () => (await age()) === '');
  await steady(page);
  quiet(errors);
});

test('what machines read of a page is what people read', async () => {
  const sku = 'blue-clogs-41';
  const offers = async () => {
    const html = await (await fetch(shop + product(sku))).text();
    const [, text] = html.match(/<script type="application\/ld\+json">(.*?)<\/script>/s);
    const data = JSON.parse(text);
    assert.deepEqual([data['@context'], data['@type']], ['https://schema.org', 'Product']);
    return data.offers.find((offer) => offer.sku === sku);
  };
  for (const place of ['warehouse', 'malmo', 'lund']) await stock(sku, place, 0);
  assert.equal((await offers()).availability, 'https://schema.org/OutOfStock');
  await stock(sku, 'malmo', 2);
  assert.equal((await offers()).availability, 'https://schema.org/LimitedAvailability');
  await stock(sku, 'malmo', 20);
  const offer = await offers();
  assert.equal(offer.availability, 'https://schema.org/InStock');
  assert.deepEqual([offer.price, offer.priceCurrency], ['240.00', 'SEK']);
});

test('what is no variant of anything stands for itself', async () => {
  for (const [sku, name, amount] of [['rye-bread', 'Rye bread', '45.00'], ['salt&herbs', 'Salt', '30.00']]) {
    const item = { name, price: { amount, currency: 'SEK' } };
    await asClerk('PUT', `/v1/items/${encodeURIComponent(sku)}`, item);
    await stock(sku, 'warehouse', 9);
  }
  const { page, errors } = await customer('/');
  for (const [name, price] of [['Rye bread', '45'], ['Salt', '30']]) {
    const card = page.locator('.products li.panel').filter({ has: page.locator(`h2:text-is("${name}")`) });
    assert.match(await card.locator('.price').textContent(), new RegExp(`^SEK\\s${price}$`));
    await card.locator('h2').click();
    await page.waitForSelector(`h1:text-is("${name}")`);
    await page.check('.choice input[value=warehouse]');
    await page.click('text=Add to cart');
    await notice(page, 'is in your cart');
    await page.goto(`${shop}/`);
  }
  assert.equal((await page.request.get(`${shop}/item/none`)).status(), 404);
  quiet(errors);
});

test('a cart is paid, shipped or collected, and its order shows how far it is', async () => {
  const { page, errors } = await customer('/');
  await putIn(page, ROOM);
  await notice(page, 'is in your cart');
  await picture(page, 'shop-cart');
  await accessible(page);
  await toSwish(page);
  await accessible(page);
  await picture(page, 'shop-swish');
  await answer(page, 'pay');
  await notice(page, 'Paid, thank you!');
  await picture(page, 'shop-order');
  await accessible(page);
  const { items } = await asClerk('GET', '/v1/reservations?state=confirmed&limit=1000');
  const number = (await page.textContent('h1')).replace('Order ', '');
  const order = items.find((reservation) => reservation.order === number);
  assert.equal(order.payments[0].method, 'swish');
  assert.deepEqual(order.fulfilment.method, 'ship');
  await page.goto(`${shop}/cart`);
  await page.waitForSelector('text=Your cart is empty');
  await page.goto(`${shop}/orders`);
  await page.getByText('Ship it to me · paid').waitFor();
  await accessible(page);
  await picture(page, 'shop-orders');
  await page.click(`text=${number}`);
  const lines = order.lines.map(({ sku, location, quantity }) => ({ sku, location, quantity }));
  const path = `/v1/reservations/${order.id}/fulfil`;
  await demo.done('POST', path, { lines }, {
    token: clerk,
    headers: { 'idempotency-key': 'shop-test-fulfil' },
  });
  await notice(page, 'Your parcel is on its way');

  await putIn(page, ROOM);
  await toSwish(page, 'malmo');
  await answer(page, 'pay');
  await notice(page, 'set aside for you in Malmö');
  await steady(page);
  quiet(errors);
});

test('what is in a cart can be changed, and no more of it can be had than there is', async () => {
  const sku = 'red-clogs-40';
  await stock(sku, 'lund', 5);
  const { page, errors } = await customer('/');
  await putIn(page, sku, 'lund');
  await putIn(page, sku, 'lund', '2');
  assert.equal((await figures(sku, 'lund')).held, 3);
  const amount = page.getByLabel('How much of Red clogs 40');
  await amount.fill('5');
  await page.click('button:has-text("Change")');
  await notice(page, 'is changed');
  assert.equal((await figures(sku, 'lund')).held, 5);
  await amount.fill('6');
  await page.click('button:has-text("Change")');
  await notice(page, 'Only 5 of Red clogs 40 can be had');
  assert.equal(await amount.inputValue(), '5');
  await putIn(page, 'linen-natural', 'warehouse', '1.25');
  await picture(page, 'shop-cart-full');
  await accessible(page);
  // All of it from one place: Lund has no such clogs left to be sent from the warehouse.
  await stock(sku, 'warehouse', 0);
  await page.goto(`${shop}/checkout`);
  await page.check('.choice input[value=warehouse]');
  await page.click('text=Pay with Swish');
  await notice(page, 'none is left (Web warehouse)');
  assert.equal((await figures(sku, 'lund')).held, 5);
  await page.click('button:has-text("Remove") >> nth=0');
  await notice(page, 'is changed');
  await page.click('text=Empty the cart');
  await page.waitForSelector('text=Your cart is empty');
  const left = await Promise.all([figures(sku, 'lund'), figures('linen-natural', 'warehouse')]);
  assert.deepEqual(left.map(({ held }) => held).map(Number), [0, 0]);
  quiet(errors);
});

test('everything works without a script', async () => {
  const { page, errors } = await customer('/', { javaScriptEnabled: false });
  await page.click('text=Red clogs');
  await page.click(`a[href*="${ROOM}"]`);
  await page.click('text=Add to cart');
  await notice(page, 'is in your cart');
  await page.click('text=To the checkout');
  await picture(page, 'shop-checkout');
  await page.click('text=Pay with Swish');
  await answer(page, 'pay');
  await notice(page, 'Paid, thank you!');
  quiet(errors);
});

test('no page of the shop holds a token', async () => {
  const { page, context } = await customer('/');
  const secret = /onh_[0-9a-f]{8}/;
  assert.match(clerk, secret);
  const told = [];
  page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => told.push(payload)));
  page.on('request', (request) => told.push(JSON.stringify(request.headers())));
  const look = async () => {
    told.push(await page.content(), JSON.stringify(await context.cookies()));
    told.push(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }])));
  };
  await putIn(page, ROOM);
  for (const path of ['/', product(ROOM), '/cart', '/checkout']) {
    await page.goto(shop + path);
    await look();
  }
  await toSwish(page);
  await look();
  await answer(page, 'pay');
  await look();
  assert.ok(told.some((text) => text.includes('subscribe')));
  assert.deepEqual(told.filter((text) => secret.test(text)), []);
});

test('two browsers fight for the last pair, and one gets it', async () => {
  const sku = 'black-clogs-45';
  await stock(sku, 'warehouse', 0);
  await stock(sku, 'lund', 0);
  await stock(sku, 'malmo', 1);
  const both = await Promise.all([customer(product(sku)), customer(product(sku))]);
  for (const { page } of both) await page.check('.choice input[value=malmo]');
  await Promise.all(both.map(({ page }) => page.click('text=Add to cart')));
  const said = await Promise.all(both.map(({ page }) => page.textContent('.notice')));
  const got = said.filter((words) => words.includes('is in your cart')).length;
  const lost = said.filter((words) => words.includes('has just been taken')).length;
  assert.deepEqual([got, lost], [1, 1], said.join('\n'));
  const { on_hand, held, available } = await figures(sku, 'malmo');
  assert.deepEqual([on_hand, held, available], [1, 1, 0]);

  // Who had the page open all the time can still ask, and is told the same.
  const third = await customer(product(sku));
  await third.page.click('text=Add to cart');
  await notice(third.page, 'has just been taken');
  both.forEach(({ errors }) => quiet(errors));
});

test('a form that is sent twice counts once, and one of a stranger not at all', async () => {
  const sku = 'black-clogs-44';
  await stock(sku, 'warehouse', 30);
  const { page } = await customer(product(sku));
  await page.check('.choice input[value=warehouse]');
  const form = await page.evaluate(() => Object.fromEntries(new FormData(document.querySelector('.buy'))));
  const send = (fields, headers) => page.request.post(`${shop}/cart`, { form: fields, headers });
  await Promise.all([send(form), send(form), send(form)]);
  assert.equal((await figures(sku, 'warehouse')).held, 1);
  const foreign = await send({ ...form, key: 'other' }, { origin: 'https://elsewhere.example' });
  const wordless = await send({ ...form, key: 'another', word: 'guessed' });
  assert.deepEqual([foreign.status(), wordless.status()], [403, 403]);
  assert.equal((await send({ ...form, sku: 'x'.repeat(20_000) })).status(), 413);
  assert.equal((await figures(sku, 'warehouse')).held, 1);
});

test('Swish says it twice, and the order is taken once', async () => {
  const sku = 'black-clogs-43';
  await stock(sku, 'warehouse', 20);
  const { page, errors } = await customer('/');
  await putIn(page, sku);
  await toSwish(page);
  const pay = page.url();
  await answer(page, 'twice');
  await notice(page, 'Paid, thank you!');
  const { on_hand, held, committed } = await figures(sku, 'warehouse');
  assert.deepEqual([on_hand, held, committed], [20, 0, 1]);
  await page.goto(pay);
  await page.waitForSelector('text=You have answered this already');
  quiet(errors);
});

test('another amount is sent back, a declined payment too, and one can try again', async () => {
  const sku = 'black-clogs-42';
  await stock(sku, 'warehouse', 20);
  const { page, errors } = await customer('/');
  await putIn(page, sku);
  await toSwish(page);
  await answer(page, 'wrong');
  await notice(page, 'was paid instead of');
  await picture(page, 'shop-order-wrong');
  assert.deepEqual((await figures(sku, 'warehouse')).committed, 0);
  await page.click('text=Try again');
  await page.click('text=Pay with Swish');
  await answer(page, 'decline');
  await notice(page, 'declined');
  await page.click('text=Try again');
  await page.click('text=Pay with Swish');
  await answer(page, 'pay');
  await notice(page, 'Paid, thank you!');
  const { held, committed } = await figures(sku, 'warehouse');
  assert.deepEqual([held, committed], [0, 1]);
  await page.click('text=Cancel the order');
  await notice(page, 'Cancelled');
  assert.equal((await figures(sku, 'warehouse')).committed, 0);
  quiet(errors);
});

test('a cart of which two payments are made is paid for once', async () => {
  const sku = 'black-clogs-41';
  await stock(sku, 'warehouse', 20);
  const { page, context } = await customer('/');
  await putIn(page, sku);
  await toSwish(page);
  const other = await context.newPage();
  await toSwish(other);
  await answer(page, 'pay');
  await notice(page, 'Paid, thank you!');
  await answer(other, 'pay');
  await notice(other, 'sent back');
  const { held, committed } = await figures(sku, 'warehouse');
  assert.deepEqual([held, committed], [0, 1]);
});

test('an order that was asked for another place than its cart is at now is not taken', async () => {
  const sku = 'red-clogs-41';
  for (const place of ['malmo', 'warehouse']) await stock(sku, place, 20);
  const { page, context, errors } = await customer('/');
  await putIn(page, sku, 'malmo');
  await toSwish(page, 'malmo');
  const other = await context.newPage();
  await toSwish(other, 'warehouse');
  await answer(page, 'pay');
  await notice(page, 'Your cart was changed after you went to pay for this order. Your money is sent back');
  const at = async (place) => {
    const { held, committed } = await figures(sku, place);
    return [held, committed];
  };
  assert.deepEqual([await at('malmo'), await at('warehouse')], [[0, 0], [1, 0]]);
  await accessible(page);
  await page.getByText('Try again').waitFor();
  await answer(other, 'pay');
  await notice(other, 'Paid, thank you! We pack your parcel.');
  assert.deepEqual([await at('malmo'), await at('warehouse')], [[0, 0], [0, 1]]);
  quiet(errors);
});

/** The figures of an order's page: of its only line, and their sum. */
async function figured(page) {
  const parts = ['.lines .soft', '.lines .number', '.total strong'];
  const said = await Promise.all(parts.map((part) => page.textContent(part)));
  return said.join(' ').match(/\d+/g).map(Number);
}

test('a cart that is changed after the checkout is told of, with the figures of the order', async () => {
  const sku = 'red-clogs-39';
  await stock(sku, 'malmo', 20);
  const { page, context, errors } = await customer('/');
  await putIn(page, sku, 'malmo');
  await toSwish(page, 'malmo');
  const other = await context.newPage();
  await putIn(other, sku, 'malmo');
  await notice(other, 'is in your cart');
  await answer(page, 'pay');
  await notice(page, 'Your cart was changed after you went to pay for this order. Your money is sent back');
  assert.deepEqual(await figured(page), [1, 300, 300, 300]);
  await picture(page, 'shop-order-changed');
  await page.click('text=Try again');
  await page.click('text=Pay with Swish');
  await answer(page, 'pay');
  await notice(page, 'set aside for you in Malmö');
  assert.deepEqual(await figured(page), [2, 300, 600, 600]);
  quiet(errors);
});

test('an order that is cancelled says so to the last step, and what it was stays', async () => {
  const { page, errors } = await customer('/');
  await stock('red-clogs-38', 'malmo', 20);
  await putIn(page, 'red-clogs-38', 'malmo');
  await toSwish(page, 'malmo');
  const steps = () => page.locator('.steps li').allTextContents();
  await answer(page, 'pay');
  await notice(page, 'Paid, thank you!');
  assert.deepEqual(await steps(), ['Held for you (done)', 'Paid (done)', 'Collected (to come)']);
  await page.click('text=Cancel the order');
  await notice(page, 'Cancelled. Your money is sent back.');
  assert.deepEqual(await steps(), ['Held for you (done)', 'Paid (done)', 'Cancelled (done)']);
  assert.deepEqual(await figured(page), [1, 300, 300, 300]);
  await picture(page, 'shop-order-cancelled');
  await putIn(page, 'red-clogs-38', 'malmo');
  await toSwish(page, 'malmo');
  await answer(page, 'decline');
  await notice(page, 'declined');
  assert.deepEqual(await steps(), ['Held for you (done)', 'Not paid (done)']);
  quiet(errors);
});

test('a cart that lapsed knows of the payment that it waits for', async () => {
  const sku = 'red-clogs-40';
  const hasty = await Onhand.demo('--seed=1', '--cart-seconds=6');
  try {
    const at = await hasty.told(/open\s+(\S+)\/\s+the web shop/);
    const token = await office(hasty);
    const read = () => hasty.done('GET', `/v1/stock/${sku}/warehouse`, undefined, { token });
    const { page, context, errors } = await open(browser, at + product(sku));
    opened.push(context);
    await page.check('.choice input[value=warehouse]');
    await page.click('text=Add to cart');
    await page.click('text=To the checkout');
    await page.click('text=Pay with Swish');
    await page.waitForSelector('text=A pretend Swish');
    const cart = await context.newPage();
    await cart.goto(`${at}/cart`);
    await notice(cart, 'waits for Swish');
    await cart.waitForSelector('h1:has-text("Your cart has lapsed")');
    await notice(cart, 'waits for Swish');
    await picture(cart, 'shop-cart-awaited');
    await accessible(cart);

    // Who takes it up again has not paid, as far as they know: what comes all the same goes back.
    // The page that is left hears that the payment is no longer awaited before the next one is
    // there, and stays away from it.
    const through = await keptBack(cart, '/cart');
    await cart.click('button:has-text("Put it back")');
    await notice(cart, 'held for you again');
    await through();
    await cart.click('text=To the checkout');
    await cart.click('text=Pay with Swish');
    await cart.waitForSelector('text=A pretend Swish');
    await answer(page, 'pay');
    await notice(page, 'You put this back into your cart');
    assert.equal((await read()).committed, 0);

    // Who waits sees the payment come.
    await page.goto(`${at}/cart`);
    await page.waitForSelector('h1:has-text("Your cart has lapsed")');
    await answer(cart, 'pay');
    await notice(cart, 'Paid, thank you!');
    await page.waitForSelector('text=Your cart is empty');
    const { held, committed } = await read();
    assert.deepEqual([held, committed], [0, 1]);
    quiet(errors);
  } finally {
    await hasty.close();
  }
});

test('a cart counts down, lapses, gives its stock back, and can be taken again', async () => {
  const hasty = await Onhand.demo('--seed=1', '--cart-seconds=4');
  try {
    const at = await hasty.told(/open\s+(\S+)\/\s+the web shop/);
    const token = await office(hasty);
    const read = () => hasty.done('GET', `/v1/stock/${ROOM}/warehouse`, undefined, { token });
    const looking = await open(browser, at + product(ROOM));
    const { page, context, errors } = await open(browser, at + product(ROOM));
    opened.push(context, looking.context);
    await page.check('.choice input[value=warehouse]');
    const { available } = await read();
    await page.fill('#quantity', String(available));
    await page.click('text=Add to cart');
    await shows(looking.page, ROOM, 'warehouse', 'Out of stock');
    const timer = page.locator('[role=timer]');
    const first = await timer.textContent();
    assert.match(first, /^0:0[234]$/);
    await until('it counts', async () => (await timer.textContent()) !== first);
    await page.waitForSelector('text=Your cart has lapsed');
    await picture(page, 'shop-cart-lapsed');
    await accessible(page);
    await shows(looking.page, ROOM, 'warehouse', 'In stock');
    assert.equal((await read()).available, available);
    await page.click('text=Put it back into the cart');
    await notice(page, 'held for you again');

    // Swish speaks only after the cart lapsed: what is still there is taken again.
    await page.click('text=To the checkout');
    await page.click('text=Pay with Swish');
    await answer(page, 'late', '7');
    await page.waitForSelector('text=We wait for Swish');
    await shows(looking.page, ROOM, 'warehouse', 'In stock');
    await notice(page, 'Paid, thank you!');
    assert.equal((await read()).committed, available);
    await shows(looking.page, ROOM, 'warehouse', 'Out of stock');

    // And what is gone by then is not sold a second time: the money goes back.
    const late = await open(browser, at + product('black-clogs-40'));
    opened.push(late.context);
    await late.page.check('.choice input[value=lund]');
    const there = await hasty.done('GET', '/v1/stock/black-clogs-40/lund', undefined, { token });
    await late.page.fill('#quantity', String(there.available));
    await late.page.click('text=Add to cart');
    await late.page.click('text=To the checkout');
    await late.page.click('text=Pay with Swish');
    await answer(late.page, 'late', '7');
    const sale = { id: 'late', type: 'sale', sku: 'black-clogs-40', location: 'lund', quantity: 1 };
    await hasty.done('POST', '/v1/movements', { movements: [sale] }, { token });
    await notice(late.page, 'Your money is sent back');
    await steady(looking.page);
    quiet(errors);
  } finally {
    await hasty.close();
  }
});
