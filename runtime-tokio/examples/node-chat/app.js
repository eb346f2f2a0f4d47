// Chat rooms over WebSockets, in an application that speaks WebSocket itself: Node behind a GRIP proxy.
//
// The proxy passes messages on, and subscribes clients to channels when the application asks it to.

import { createServer } from 'node:http';
import { Publisher, WebSocketMessageFormat, parseGripUri, validateSig } from '@fanoutio/grip';
import { WebSocketServer } from 'ws';

// Where to publish, and the issuer and key with which the proxy signs what it forwards.
const grip = process.env.GRIP_URL ?? 'http://127.0.0.1:5561/?iss=pushpin&key=changeme';
const { key } = parseGripUri(grip);
const publisher = new Publisher(grip);

const http = createServer((_, res) => res.end('Come with a WebSocket to /rooms/ROOM/?name=NAME\n'));
const server = new WebSocketServer({ server: http, verifyClient: throughProxy });

// The proxy does what begins "c:", and what begins "m:" is for the client.
server.on('headers', headers => headers.push('Sec-WebSocket-Extensions: grip; message-prefix="m:"'));

server.on('connection', async (ws, req) => {
  const url = new URL(req.url, 'ws://localhost');
  const room = url.pathname.split('/')[2], name = url.searchParams.get('name') ?? 'somebody';
  const tell = said => publisher.publishFormats(room, new WebSocketMessageFormat(said)).catch(console.error);

  ws.on('message', data => {
    if (String(data) === '/leave') ws.close(4000, 'bye');
    else tell(`${name}: ${data}`);
  });
  ws.on('close', code => tell(code === 1006 ? `${name} is lost` : `${name} leaves`));

  await tell(`${name} comes`);
  ws.send(`c:${JSON.stringify({ type: 'subscribe', channel: room })}`);
  ws.send(`m:Welcome to ${room}, ${name}`);
});

async function throughProxy({ req }, answer) {
  const isProxied = await validateSig(req.headers['grip-sig'] ?? '', key).catch(() => false);
  answer(isProxied, 501, 'This must be asked through the proxy, with a valid Grip-Sig.');
}

const port = Number(process.env.PORT ?? 8000);
http.listen(port, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${port}`));
