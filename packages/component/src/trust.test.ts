import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { trusting } from './trust.ts';

const directory = mkdtempSync(join(tmpdir(), 'keelson-trust-'));
const read = (file: string) => readFileSync(join(directory, file), 'utf8');
let server: tls.Server;

beforeAll(async () => {
  const openssl = (command: string) => execFileSync('openssl', command.split(' '), { cwd: directory, stdio: 'pipe' });
  const key = '-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes';
  openssl(`req -x509 ${key} -keyout root.key -out root.crt -subj /CN=root -days 2`);
  openssl(`req ${key} -keyout leaf.key -out leaf.csr -subj /CN=leaf`);
  openssl('x509 -req -in leaf.csr -CA root.crt -CAkey root.key -CAcreateserial -out leaf.crt -days 2');
  server = tls.createServer({ cert: read('leaf.crt'), key: read('leaf.key') }, (socket) => socket.end());
  await once(server.listen(0, '127.0.0.1'), 'listening');
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

const checkServerIdentity = () => undefined;

/** Why the server is not trusted; null: it is. */
async function refusal(options: tls.SecureContextOptions): Promise<unknown> {
  const { port } = server.address() as AddressInfo;
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, checkServerIdentity, ...options });
  await once(socket, 'secureConnect');
  socket.destroy();
  return socket.authorizationError;
}

it('trusts the authority that signed, and who is named without the one that signed it', async () => {
  expect(await refusal(trusting(read('root.crt')))).toBe(null);
  expect(await refusal({ ca: read('leaf.crt') })).not.toBe(null);
  expect(await refusal(trusting(read('leaf.crt')))).toBe(null);
  expect(await refusal(trusting(undefined))).not.toBe(null);
});
