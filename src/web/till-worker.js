// Brings a till's page up without a network: from the server if it answers, else as it was kept.
// It must not touch what the page asks of the service.

const CACHE = 'onhand-till';
const PATIENCE_MS = 3_000;
// One page in one place: whatever it was asked with, it is the same.
const SAME = { ignoreSearch: true, ignoreVary: true };

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));
addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const isOurs = origin === location.origin && request.method === 'GET';
  const isPage = request.mode === 'navigate' || pathname.startsWith('/web/');
  if (isOurs && isPage) event.respondWith(answer(pathname, request));
});

async function answer(pathname, request) {
  const cache = await caches.open(CACHE);
  try {
    const fresh = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (fresh.ok) {
      await cache.put(pathname, fresh.clone());
      return fresh;
    }
    // A proxy whose server is away says so; the till goes on meanwhile.
    return fresh.status < 500 ? fresh : ((await cache.match(pathname, SAME)) ?? fresh);
  } catch (error) {
    const kept = await cache.match(pathname, SAME);
    if (kept) return kept;
    throw error;
  }
}
