// Drives the WebSocket of a counter application: websocket-client.mjs URL VALUE, where VALUE is what it is now.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import WebSocket from 'ws';

const [url, value] = [process.argv[2], Number(process.argv[3])];
const stuck = setTimeout(() => { throw new Error('nothing came for 20 s'); }, 20_000);

function open() {
  const ws = new WebSocket(url);
  const told = [], waiting = [];
  ws.on('message', data => {
    const { value } = JSON.parse(data);
    waiting.length > 0 ? waiting.shift()(value) : told.push(value);
  });
  ws.hear = async expected => {
    const next = told.length > 0 ? told.shift() : await new Promise(done => waiting.push(done));
    assert.equal(next, expected);
  };
  return once(ws, 'open').then(() => ws);
}

const [one, two] = await Promise.all([open(), open()]);
for (const ws of [one, two]) {
  ws.send('value');
  await ws.hear(value);
}
one.ping('x');
assert.equal(String((await once(one, 'pong'))[0]), 'x');
for (const [at, ws] of [one, two].entries()) {
  ws.send('add');
  for (const each of [one, two]) await each.hear(value + at + 1);
}
two.close(4001);
assert.equal((await once(two, 'close'))[0], 4001);
one.send('value');
await one.hear(value + 2);
one.close();
assert.equal((await once(one, 'close'))[0], 1000);
clearTimeout(stuck);
