// A Chromium as a process of its own on a profile that outlives it, so that it can be killed as a
// power cut would and started again. It must not know which pages there are.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

import { judged, LAUNCH } from './browser.js';

const running = new Set();
process.on('exit', () => running.forEach((browser) => browser.signal()));

export class ChromiumProcess {
  #child;
  #browser;

  /** Starts one on a profile's directory; its `context` is the profile's own. */
  static async start(profile) {
    const browser = new ChromiumProcess();
    const flags = [...LAUNCH.args, '--headless=new', '--remote-debugging-port=0', '--no-first-run'];
    flags.push(`--user-data-dir=${profile}`, 'about:blank');
    // A group of its own, since a browser is many processes.
    const stdio = ['ignore', 'ignore', 'pipe'];
    browser.#child = spawn(LAUNCH.executablePath, flags, { detached: true, stdio });
    running.add(browser);
    const address = await browser.#address();
    browser.#browser = await chromium.connectOverCDP(address);
    [browser.context] = browser.#browser.contexts();
    await judged(browser.context);
    return browser;
  }

  async #address() {
    for await (const line of createInterface({ input: this.#child.stderr })) {
      const [, address] = line.match(/DevTools listening on (ws:\S+)/) ?? [];
      if (address) {
        this.#child.stderr.resume();
        return address;
      }
    }
    throw new Error('Chromium ended before it listened');
  }

  signal() {
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
    running.delete(this);
  }

  /** Kills it; nothing of it gets to do anything any more. */
  async kill() {
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.signal();
    await ended;
    await this.#browser.close().catch(() => {});
  }
}
