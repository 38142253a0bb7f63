// A stand-in in front of the real server that answers everything by asking it, but for the feed,
// which a test plays itself over real sockets, and for answers that a test withholds. It must not
// know what is played.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { WebSocketServer } from 'ws';

/** Relays to `server`; each connection to the feed is given to `play` as a socket. */
export class Relay {
  #server;
  #play;
  #http;
  #sockets;
  /** Whether the answer to a request gets lost on its way; the server has given it. */
  loses = () => false;
  /** What was asked so far, as `POST /v1/movements`, and what got lost of it. */
  asked = [];
  lost = [];

  constructor(server, play = () => {}) {
    this.#server = server;
    this.#play = play;
  }

  /** Starts it, at the address it had before if there is one. */
  async start() {
    this.#http = createServer((request, response) => this.#answer(request, response));
    this.#sockets = new WebSocketServer({ server: this.#http, path: '/v1/feed' });
    this.#sockets.on('connection', (socket) => this.#play(socket));
    this.#http.listen(this.url ? Number(new URL(this.url).port) : 0, '127.0.0.1');
    await once(this.#http, 'listening');
    this.url = `http://127.0.0.1:${this.#http.address().port}`;
  }

  /** From now on nobody is there. */
  async stop() {
    this.#sockets.clients.forEach((socket) => socket.terminate());
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  async #answer(request, response) {
    const name = `${request.method} ${request.url}`;
    const passed = ['authorization', 'content-type', 'idempotency-key', 'accept'];
    const sent = passed.map((header) => [header, request.headers[header]]);
    const body = Buffer.concat(await request.toArray());
    this.asked.push(name);
    const answer = await fetch(new URL(request.url, this.#server.url), {
      method: request.method,
      headers: Object.fromEntries(sent.filter(([, value]) => value)),
      body: body.length ? body : undefined,
    });
    const content = Buffer.from(await answer.arrayBuffer());
    if (this.loses(name)) {
      this.lost.push(name);
      return;
    }
    const given = ['content-type', 'content-security-policy', 'cache-control', 'service-worker-allowed'];
    const headers = given.map((header) => [header, answer.headers.get(header)]);
    response.writeHead(answer.status, Object.fromEntries(headers.filter(([, value]) => value)));
    response.end(content);
  }
}
