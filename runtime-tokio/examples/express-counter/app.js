// A counter that browsers wait for: Express behind a GRIP proxy.
//
// Every handler answers at once. Where the browser should wait, the handler says so, and the proxy holds it.

import express from 'express';
import { Channel, HttpResponseFormat, HttpStreamFormat, WebSocketMessageFormat } from '@fanoutio/grip';
import { ServeGrip } from '@fanoutio/serve-grip';

// Where to publish, and the issuer and key with which the proxy signs what it forwards.
const grip = process.env.GRIP_URL ?? 'http://127.0.0.1:5561/?iss=pushpin&key=changeme';
const serveGrip = new ServeGrip({ grip });
const publisher = serveGrip.getPublisher();

// Proxies remember item ids for a minute, so a counter that starts anew must not use the old ones.
const run = Date.now().toString(16);
const itemId = value => `${run}-${value}`;
const event = value => `data: ${JSON.stringify({ value })}\n\n`;

let count = 0;
let published = Promise.resolve();

const app = express();
app.use(serveGrip);

app.get('/counter/value/', (req, res) => {
  if (req.query.last !== String(count)) return res.json({ value: count });
  if (!throughProxy(req, res)) return;
  const hold = res.grip.startInstruct();
  // The previous id lets a proxy notice a change between this answer and the hold.
  hold.addChannel(new Channel('counter', itemId(count)));
  hold.setHoldLongPoll(20);
  res.json({});
});

app.get('/counter/events/', (req, res) => {
  if (!throughProxy(req, res)) return;
  const hold = res.grip.startInstruct();
  hold.addChannel('counter');
  hold.setHoldStream();
  hold.setKeepAlive(':\n\n', 20);
  res.type('text/event-stream').send(event(count));
});

app.post('/counter/value/', (req, res) => res.json({ value: raise() }));

// A WebSocket: "add" raises the value, which everyone is told; anything else asks for it.
app.post('/counter/socket/', (req, res) => {
  if (!throughProxy(req, res)) return;
  const ws = req.grip.wsContext;
  if (ws == null) return res.status(400).send('Only WebSocket events come here.\n');
  if (ws.isOpening()) {
    ws.accept();
    ws.subscribe('counter');
  }
  try {
    while (ws.canRecv()) {
      const message = ws.recv();
      if (message === null) {
        ws.close(ws.closeCode ?? undefined);
        break;
      }
      if (message === 'add') raise();
      else ws.send(JSON.stringify({ value: count }));
    }
  } catch {
    // The client is gone.
  }
  res.end();
});

// Adds one and tells everyone who waits.
function raise() {
  count += 1;
  const value = count;
  const formats = [
    new HttpResponseFormat({
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ value }),
    }),
    new HttpStreamFormat(event(value)),
    new WebSocketMessageFormat(JSON.stringify({ value })),
  ];
  // One after the other, so that the items stay in order.
  published = published
    .then(() => publisher.publishFormats('counter', formats, itemId(value), itemId(value - 1)))
    .catch(error => console.error('publish failed:', error));
  return value;
}

function throughProxy(req, res) {
  if (req.grip.isProxied) return true;
  res.status(501).send('This must be asked through the proxy, with a valid Grip-Sig.\n');
  return false;
}

const port = Number(process.env.PORT ?? 8000);
app.listen(port, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${port}`));
