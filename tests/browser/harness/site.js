// A shop's own site, on an origin of its own: pages that a test writes, under a strict policy. It
// must not know what is on them.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** The pages of a site by path; `url` is its origin. */
export class Site {
  pages = new Map();
  #server;

  static async open() {
    const site = new Site();
    site.#server = createServer((request, response) => {
      const { pathname } = new URL(request.url, site.url);
      const page = site.pages.get(pathname);
      response.writeHead(page ? 200 : 404, {
        'content-type': `text/${pathname.endsWith('.css') ? 'css' : 'html'}; charset=utf-8`,
        'content-security-policy': site.policy,
      });
      response.end(page);
    });
    site.#server.listen(0, '127.0.0.1');
    await once(site.#server, 'listening');
    site.url = `http://127.0.0.1:${site.#server.address().port}`;
    return site;
  }

  /** What the pages may load: from `server` its scripts and its feed, of others the feed. */
  allow(server, ...others) {
    const feeds = [server, ...others].map((origin) => origin.replace('http', 'ws')).join(' ');
    this.policy = `default-src 'none'; script-src ${server}; connect-src ${server} ${feeds}; `
      + "style-src 'self'; img-src data:; base-uri 'none'; require-trusted-types-for 'script'";
  }

  close() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
