/**
 * The least that a server in Node.js can do: node:http2 over TLS, one buffer for each answer. `/large` answers with 40 MB
 * in chunks of 64 KiB, as a list does. Prints its port.
 */
import http2 from 'node:http2';

const [cert, key] = [process.env.BENCH_CERT!, process.env.BENCH_KEY!];
const body = Buffer.alloc(900, 'x');
const chunk = Buffer.alloc(64 * 1024, 'x');
const CHUNKS = 625;

const server = http2.createSecureServer({ cert, key, settings: { initialWindowSize: 256 * 1024 } });
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers[':path'] !== '/large') {
    stream.respond({ ':status': 200, 'content-type': 'application/json', 'content-length': body.length });
    stream.end(body);
    return;
  }
  stream.respond({ ':status': 200 });
  let left = CHUNKS;
  const write = (): void => {
    while (left > 0 && !stream.destroyed) {
      left--;
      if (!stream.write(chunk)) {
        stream.once('drain', write);
        return;
      }
    }
    stream.end();
  };
  write();
});
server.listen(0, '127.0.0.1', () => process.send!((server.address() as { port: number }).port));
process.once('disconnect', () => process.exit());
