// The real binary, run as a process of its own on a fresh data directory: started, asked, stopped,
// killed. It must not know what is asked of it, nor what a browser is.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { PATIENCE_MS } from './patience.js';

/** The token with all scopes that `serve` is started with. */
export const ADMIN = 'browser-tests-admin-token';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');
const BINARY = process.env.ONHAND_BINARY ?? join(TARGET, 'debug', 'onhand');

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** The environment of whoever runs the tests, without what would configure the service. */
function environment(added) {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('ONHAND_'));
  return { ...Object.fromEntries(kept), ...added };
}

/** Waits for a promise no longer than a test may take. */
function patiently(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A server: `url` is its public address, `ops` the operators', `lines` all it told so far. */
export class Onhand {
  #command;
  #flags;
  #child;
  #directory;
  #errors = '';
  lines = [];

  constructor(command, flags, directory) {
    this.#command = command;
    this.#flags = flags;
    this.#directory = directory;
  }

  /** `onhand serve` on a fresh data directory, with an admin token and all pages. */
  static async serve(...flags) {
    const directory = await mkdtemp(join(tmpdir(), 'onhand-browser-'));
    const server = new Onhand('serve', ['--data-dir', join(directory, 'data'), ...flags], directory);
    await server.start();
    return server;
  }

  /** `onhand demo`; nobody but the test acts unless `--rate` is given. */
  static async demo(...flags) {
    const pace = flags.some((flag) => flag.startsWith('--rate')) ? [] : ['--rate=0'];
    const server = new Onhand('demo', ['--shop-listen=127.0.0.1:0', ...pace, ...flags]);
    await server.start();
    await server.told(/a token for one more till/);
    return server;
  }

  /** Starts it, at the address it had before if there is one. */
  async start() {
    const listen = this.url ? new URL(this.url).host : '127.0.0.1:0';
    const fixed = [this.#command, `--listen=${listen}`, '--ops-listen=127.0.0.1:0'];
    const pages = { ONHAND_PAGES_SCREENS: 'true', ONHAND_PAGES_TILLS: 'true' };
    const served = { ONHAND_ADMIN_TOKEN: ADMIN, ...pages };
    this.lines = [];
    this.#errors = '';
    this.#child = spawn(BINARY, [...fixed, ...this.#flags], {
      env: environment(this.#command === 'serve' ? served : {}),
    });
    running.add(this.#child);
    this.#child.once('exit', () => running.delete(this.#child));
    this.#child.stderr.on('data', (text) => (this.#errors += text));
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.lines.push(line));
    this.url = await this.told(/^\s*public\s+(\S+)/);
    this.ops = await this.told(/^\s*ops\s+(\S+)/);
    await this.told(/^\s*next\s/);
  }

  /** Waits for a line, and returns what its first group caught. */
  async told(pattern) {
    const child = this.#child;
    const look = new Promise((found, failed) => {
      const timer = setInterval(() => {
        const match = this.lines.map((line) => line.match(pattern)).find(Boolean);
        const ended = child.exitCode !== null || child.signalCode !== null;
        if (match) found(match[1]);
        if (ended) failed(new Error(`onhand ended (${child.exitCode}):\n${this.#errors}`));
        if (match || ended) clearInterval(timer);
      }, 10);
      child.once('error', failed);
    });
    return patiently(`${pattern} from onhand`, look);
  }

  get isRunning() {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Asks it to stop, and waits until it has. */
  async stop() {
    await this.#end('SIGTERM');
  }

  /** Kills it as a power cut would. */
  async kill() {
    await this.#end('SIGKILL');
  }

  async #end(signal) {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await patiently(`the end of onhand after ${signal}`, ended);
  }

  /** Ends it and takes its data away. */
  async close() {
    await this.#end('SIGKILL');
    if (this.#directory) await rm(this.#directory, { recursive: true, force: true });
  }

  /** One request; the answer's `status` and its `body`, parsed. */
  async ask(method, path, body, { token = ADMIN, headers = {} } = {}) {
    const sent = { ...headers };
    if (token) sent.authorization = `Bearer ${token}`;
    if (body !== undefined) sent['content-type'] = 'application/json';
    const text = body === undefined ? undefined : JSON.stringify(body);
    const answer = await fetch(new URL(path, this.url), { method, headers: sent, body: text });
    const said = await answer.text();
    return { status: answer.status, body: said ? JSON.parse(said) : undefined };
  }

  /** A request that must succeed; its body. */
  async done(method, path, body, options) {
    const answer = await this.ask(method, path, body, options);
    if (answer.status >= 300) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  /** Records a movement that must be applied; its result. */
  async movement(type, sku, location, quantity, more = {}) {
    const id = `test-${type}-${++this.#movements}`;
    const movement = { id, type, sku, location, quantity, ...more };
    const { results } = await this.done('POST', '/v1/movements', { movements: [movement] });
    if (results[0].status !== 'applied') throw new Error(JSON.stringify(results[0]));
    return results[0];
  }
  #movements = 0;

  /** A new token's secret. */
  async token(name, scopes, more = {}) {
    const made = await this.done('POST', '/v1/tokens', { name, scopes, ...more });
    return made.token;
  }
}
