// A small retailer: two stores near each other, one far away, a warehouse, and a few products.
// It must not know what is shown of it.

const LOCATIONS = {
  malmo: { name: 'Malmö', kind: 'store', latitude: 55.6059, longitude: 13.0007 },
  lund: { name: 'Lund', kind: 'store', latitude: 55.7047, longitude: 13.191 },
  kiruna: { name: 'Kiruna', kind: 'store', latitude: 67.8558, longitude: 20.2253 },
  warehouse: { name: 'Warehouse', kind: 'warehouse' },
};

const price = (amount) => ({ amount, currency: 'SEK' });
const ITEMS = [
  { sku: 'clogs-38', name: 'Red clogs 38', barcodes: ['2000000000039'], price: price('300.00') },
  { sku: 'clogs-39', name: 'Red clogs 39', barcodes: ['2000000000046'], price: price('300.00') },
  { sku: 'socks', name: 'Wool socks', barcodes: ['2000000000213'], price: price('95.50'),
    offer: { amount: '79.00' } },
  { sku: 'linen', name: 'Linen, natural', unit: 'metre', decimals: 2, price: price('189.00') },
];
const STOCK = [
  ['clogs-38', 'malmo', 10],
  ['clogs-38', 'kiruna', 4],
  ['clogs-38', 'lund', 2],
  ['clogs-38', 'warehouse', 120],
  ['clogs-39', 'malmo', 0],
  ['clogs-39', 'lund', 3],
  ['socks', 'malmo', 3],
  ['linen', 'malmo', 12.5],
];

/** Puts it all into a server; the tokens of its screen and its till in Malmö. */
export async function openStores(server, items = ITEMS, stock = STOCK) {
  for (const [location, content] of Object.entries(LOCATIONS)) {
    await server.done('PUT', `/v1/locations/${location}`, content);
  }
  for (let from = 0; from < items.length; from += 1000) {
    const { results } = await server.done('POST', '/v1/items/batch', {
      items: items.slice(from, from + 1000),
    });
    const bad = results.find(({ problem }) => problem);
    if (bad) throw new Error(JSON.stringify(bad));
  }
  const receipts = stock.map(([sku, location, quantity], index) => {
    const type = quantity ? 'receipt' : 'count';
    return { id: `open-${index}`, type, sku, location, quantity };
  });
  for (let from = 0; from < receipts.length; from += 1000) {
    const movements = receipts.slice(from, from + 1000);
    await server.done('POST', '/v1/movements', { movements });
  }
  const till = { locations: ['malmo'], channel: 'store' };
  const scopes = ['stock:read', 'stock:write', 'reserve', 'fulfil'];
  return {
    screen: await server.token('screen in Malmö', ['screen'], { channel: 'store' }),
    till: await server.token('till 1 in Malmö', scopes, till),
  };
}
