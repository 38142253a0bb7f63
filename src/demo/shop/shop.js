// What the shop's pages do beyond what works without a script. Stock is the component's.

// The page is shown anew, but not while it is being left: what a form was answered would be lost.
let leftAt = -Infinity;
for (const leaving of ['submit', 'beforeunload']) {
  addEventListener(leaving, () => { leftAt = performance.now(); });
}
function renew() {
  if (performance.now() - leftAt > 30_000) location.reload();
}
// One that comes back from the browser's memory shows what was, not what is.
addEventListener('pageshow', (event) => event.persisted && location.reload());

// A cart's countdown is the reservation's. It runs by the page's own clock, which starts when the
// server has said what is left, and at its end the server is asked what became of the cart.
for (const timer of document.querySelectorAll('[data-seconds]')) {
  const end = performance.now() + 1000 * timer.dataset.seconds;
  setInterval(() => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    timer.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    if (left === 0) setTimeout(renew, 500);
  }, 1000);
}

// An order is shown anew when something happened to it.
const order = document.querySelector('[data-watch]');
async function watch() {
  try {
    const answer = await fetch(order.dataset.watch);
    if (answer.ok && (await answer.text()) !== order.dataset.state) renew();
  } catch {
    // Asked again below.
  }
  setTimeout(watch, 1000);
}
if (order) setTimeout(watch, 300);

// What has sold out can be chosen no longer, and what is back can be again.
addEventListener('onhand-change', ({ target, status, stale }) => {
  const choice = target.closest('.choice')?.querySelector('input');
  if (choice && !stale) choice.disabled = status === 'out_of_stock' || status === 'unknown';
});
