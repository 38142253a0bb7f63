// The contention board: what shoppers fight over, and how the node keeps up. It shows what the
// operators' listener streams; levels come as soon as they are committed.

const STALE_MS = 4_000;
const LOOK_BACK = 10; // documents, one a second, that rates and quantiles are made of
const TRAIL = 120; // points of a curve

const page = document.body;
const part = (id) => document.getElementById(id);
const figure = (name) => page.querySelector(`[data-figure="${name}"]`);
const rows = new Map(); // SKU@LOCATION → row
const trails = { commands: [], deliveries: [] };
let history = [];
let heardAt = 0;

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const one = new Intl.NumberFormat('en', { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const two = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 4 });
const millions = new Intl.NumberFormat('en', { maximumSignificantDigits: 3, notation: 'compact' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });

// Parts of a metre or a kilogram are told as far as there is room for them.
function amount(number) {
  if (number >= 1e6) return millions.format(number);
  return (Number.isInteger(number) ? whole : short).format(number);
}
const count = (number) => {
  // What is asked for once a minute is asked for.
  if (number > 0 && number < 0.1) return two.format(number);
  return (number < 100 ? one : whole).format(number);
};
const duration = (ms) => {
  if (ms >= 1000) return `${one.format(ms / 1000)} s`;
  if (ms >= 10) return `${whole.format(ms)} ms`;
  return ms >= 1 || ms === 0 ? `${one.format(ms)} ms` : `${whole.format(ms * 1000)} µs`;
};

function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** What came in between two shapes of a histogram. */
function between(from, to) {
  const buckets = to.buckets.map(([bound, n], index) => [bound, n - from.buckets[index][1]]);
  return { count: to.count - from.count, sum: to.sum - from.sum, buckets };
}

/** About how much that share of all was at most: within a bucket it is taken to be even. */
export function quantile(share, { count, buckets }) {
  if (count === 0) return undefined;
  const rank = share * count;
  let [below, before] = [0, 0];
  for (const [bound, n] of buckets) {
    if (n >= rank) return below + ((bound - below) * (rank - before)) / (n - before || 1);
    [below, before] = [bound, n];
  }
  return below;
}

const told = (seconds) => (seconds === undefined ? '–' : duration(seconds * 1000));

const MEANING = { in_stock: 'in stock', limited: 'few left', out_of_stock: 'sold out' };

function showLevel(row, level) {
  const state = level.removed ? 'out_of_stock' : level.status;
  row.left.dataset.status = state;
  say(row.meaning, `${MEANING[state]}: `);
  say(row.available, level.available === undefined ? '–' : amount(level.available));
}

function cell(row, kind) {
  const made = document.createElement('td');
  made.className = kind;
  row.append(made);
  return made;
}

function newRow() {
  const row = document.createElement('tr');
  const make = (tag, parent, kind = '') => {
    const made = document.createElement(tag);
    if (kind) made.className = kind;
    parent.append(made);
    return made;
  };
  const product = cell(row, 'product');
  const made = { row, name: make('strong', product), place: make('small', product) };
  const wanted = cell(row, 'number wanted');
  made.wanted = make('span', wanted);
  made.bar = make('span', wanted, 'bar');
  made.refused = cell(row, 'number');
  made.left = cell(row, 'number');
  made.meaning = make('span', made.left, 'unseen');
  made.available = make('span', made.left);
  // Behind the number, where it does not move as the number grows.
  make('span', made.left, 'dot').ariaHidden = 'true';
  made.holds = cell(row, 'number more');
  made.mean = cell(row, 'number more');
  made.longest = cell(row, 'number more');
  return made;
}

/** Rows stay where they are and are filled anew: nothing on the wall jumps. */
function showKeys(keys) {
  const body = part('keys');
  const most = Math.max(...keys.map((key) => key.demand_per_second), 1e-9);
  const filled = [...rows.values()];
  rows.clear();
  keys.forEach((key, index) => {
    const name = `${key.sku}@${key.location}`;
    const row = filled[index] ?? newRow();
    if (!filled[index]) body.append(row.row);
    say(row.name, `${key.rank}. ${key.name ?? key.sku}`);
    say(row.place, `${key.sku} at ${key.location}`);
    say(row.wanted, count(key.demand_per_second));
    row.bar.style.setProperty('--share', key.demand_per_second / most);
    say(row.refused, count(key.refusals_per_second));
    row.refused.classList.toggle('hurts', key.refusals_per_second > 0);
    say(row.holds, whole.format(key.holds));
    say(row.mean, duration(key.waiting_ms.mean));
    say(row.longest, duration(key.waiting_ms.max));
    showLevel(row, { status: key.status, available: key.stock?.available });
    rows.set(name, row);
  });
  filled.slice(keys.length).forEach(({ row }) => row.remove());
  part('none').hidden = keys.length > 0;
}

function draw(name, value) {
  const trail = trails[name];
  trail.push(value);
  if (trail.length > TRAIL) trail.shift();
  const most = Math.max(...trail, 1);
  const points = trail.map((v, index) => {
    const x = TRAIL - trail.length + index + 1;
    return `${x},${(29 - (28 * v) / most).toFixed(1)}`;
  });
  part(name).querySelector('polyline').setAttribute('points', points.join(' '));
}

function showPace(document_) {
  history.push(document_);
  if (history.length > LOOK_BACK) history.shift();
  const [from, to] = [history[0], history.at(-1)];
  const seconds = Math.max((Date.parse(to.at) - Date.parse(from.at)) / 1000, 1);
  const before = history.at(-2) ?? to;
  const step = Math.max((Date.parse(to.at) - Date.parse(before.at)) / 1000, 1);
  const all = ({ commands }) => Object.values(commands).reduce((sum, n) => sum + n, 0);
  const unmet = ({ commands }) => commands.refused + commands.shed;
  const share = (part, whole) => (whole > 0 ? `${one.format((100 * part) / whole)} %` : '–');

  const commands = all(to) - all(from);
  say(figure('commands'), count(commands / seconds));
  say(figure('refused'), share(unmet(to) - unmet(from), commands));
  const of = (section, name) => between(from[section][name], to[section][name]);
  say(figure('mailbox'), told(quantile(0.99, of('journal', 'mailbox_wait_seconds'))));
  const append = of('journal', 'append_seconds');
  say(figure('append50'), told(quantile(0.5, append)));
  say(figure('append99'), told(quantile(0.99, append)));
  const groups = of('journal', 'group_records');
  say(figure('group'), groups.count ? count(groups.sum / groups.count) : '–');
  const { queue_places: taken, queue_places_max: places } = to.journal;
  say(figure('queue'), `${whole.format(taken)} of ${whole.format(places)}`);
  draw('commands', (all(to) - all(before)) / step);

  const { deliveries, conflated } = to.feed;
  const delivered = deliveries - from.feed.deliveries;
  say(figure('connections'), whole.format(to.feed.connections));
  say(figure('deliveries'), count(delivered / seconds));
  const merged = conflated - from.feed.conflated;
  say(figure('conflated'), share(merged, delivered + merged));
  say(figure('socket'), told(quantile(0.99, of('feed', 'commit_to_socket_seconds'))));
  draw('deliveries', (deliveries - before.feed.deliveries) / step);
}

/** Says whether what is shown is of now; whoever looks at a wall cannot know otherwise. */
function showState() {
  const live = heardAt > 0 && Date.now() - heardAt < STALE_MS;
  page.classList.toggle('stale', heardAt > 0 && !live);
  const state = part('state');
  state.classList.toggle('good', live);
  state.classList.toggle('bad', heardAt > 0 && !live);
  if (live) say(state, 'Live');
  else say(state, heardAt ? `As of ${clock.format(heardAt)}` : 'Connecting …');
}

function connect() {
  const source = new EventSource('/v1/contention/events');
  source.addEventListener('contention', ({ data }) => {
    const document_ = JSON.parse(data);
    const last = history.at(-1);
    // A process that began anew counts anew.
    if (last && document_.commands.recorded < last.commands.recorded) history = [];
    heardAt = Date.now();
    const window_ = `What shoppers want most, in the last ${whole.format(document_.window_seconds)} s`;
    say(part('window'), window_);
    showKeys(document_.keys);
    showPace(document_);
    showState();
  });
  source.addEventListener('levels', ({ data }) => {
    heardAt = Date.now();
    for (const level of JSON.parse(data)) {
      const row = rows.get(`${level.sku}@${level.location}`);
      if (row) showLevel(row, level);
    }
  });
  source.addEventListener('error', () => {
    // The browser comes back by itself, unless it was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, 2_000);
  });
}

connect();
setInterval(showState, 1_000);
