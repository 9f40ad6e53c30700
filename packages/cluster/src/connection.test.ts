import { StatusError } from '@keelson/api/errors';
import { expect, test } from 'vitest';
import { refusal } from './connection.ts';
import { createAuthority, issue } from './pki/certificate.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 0, 2);
const unauthorized = new StatusError(401, 'Unauthorized', 'Unauthorized');

async function config(ageMs: number) {
  const from = new Date(NOW - ageMs);
  const authority = await createAuthority('kubernetes', from);
  const leaf = await issue({ commonName: 'admin', usage: 'client' }, authority, from, { lifetimeMs: DAY_MS });
  return { server: 'https://c:6443', namespace: 'default', tls: { certificate: { text: leaf.certificate } } };
}

/** As the client passes on what the system says. */
const fault = (code: string) => new Error(code.toLowerCase(), { cause: Object.assign(new Error(), { code }) });

test.each<[string, unknown, number, RegExp, RegExp]>([
  [
    'a certificate that has ended',
    unauthorized,
    2 * DAY_MS,
    /^the certificate in f ended at 2026-01-01T/,
    /certs renew/,
  ],
  ['somebody unknown', unauthorized, 0, /^https:\/\/c:6443 does not know who f says/, /made with this cluster/],
  ['another authority', fault('SELF_SIGNED_CERT_IN_CHAIN'), 0, /is not who f says/, /made with this cluster/],
  ['nobody', fault('ECONNREFUSED'), 0, /^nobody answers at https:\/\/c:6443, which f names: econnrefused$/, /^start/],
  ['a refusal', new StatusError(403, 'Forbidden', 'no'), 0, /^no$/, /^see that f is of an administrator, and/],
])('%s is told apart', async (_, error, ageMs, message, remedy) => {
  const told = await refusal(error, { file: 'f', config: await config(ageMs), who: 'an administrator' }, NOW);
  expect(told.message).toMatch(message);
  expect(told.remedy).toMatch(remedy);
});
