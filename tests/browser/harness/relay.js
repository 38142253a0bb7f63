// A stand-in in front of the real server that answers everything by asking it, but for the feed,
// which a test plays itself over real sockets. It must not know what is played.

import { once } from 'node:events';
import { createServer } from 'node:http';

import { WebSocketServer } from 'ws';

/** Relays to `server`; each connection to the feed is given to `play` as a socket. */
export class Relay {
  #server;
  #play;
  #http;
  #sockets;

  constructor(server, play) {
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
    const answer = await fetch(new URL(request.url, this.#server.url));
    const names = ['content-type', 'content-security-policy', 'cache-control'];
    const headers = names.map((name) => [name, answer.headers.get(name)]);
    response.writeHead(answer.status, Object.fromEntries(headers.filter(([, value]) => value)));
    response.end(Buffer.from(await answer.arrayBuffer()));
  }
}
