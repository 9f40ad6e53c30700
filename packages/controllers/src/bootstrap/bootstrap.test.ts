import type { Secret } from '@keelson/api/generated/types/core/v1';
import { expect, test } from 'vitest';
import { signed } from './signer.ts';
import { detachedSignature, expiration } from './tokens.ts';

const encode = (text: string) => Buffer.from(text).toString('base64');
const now = Date.parse('2026-01-01T00:00:00Z');
const token = (id: string, more: Record<string, string> = {}): Secret => ({
  metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
  data: Object.fromEntries(
    Object.entries({ 'token-id': id, 'token-secret': 'secret', 'usage-bootstrap-signing': 'true', ...more }).map(
      ([key, value]) => [key, encode(value)],
    ),
  ),
});

test('a signature is a JWS whose content is left out', () => {
  // As go-jose made it.
  const content = 'Hello from the other side. I must have called a thousand times.';
  expect(detachedSignature(content, 'joshua', 'my voice is my passcode')).toBe(
    'eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8',
  );
});

test.each<[string, Secret[], string[]]>([
  ['each token signs', [token('a'), token('b')], ['jws-kubeconfig-a', 'jws-kubeconfig-b']],
  ['one that has expired does not', [token('a', { expiration: '2025-12-31T00:00:00Z' })], []],
  ['one that will does', [token('a', { expiration: '2026-01-02T00:00:00Z' })], ['jws-kubeconfig-a']],
  ['one for other uses does not', [token('a', { 'usage-bootstrap-signing': 'false' })], []],
  ['one of another name does not', [{ ...token('a'), metadata: { name: 'bootstrap-token-b' } }], []],
])('%s', (_, secrets, keys) => {
  const data = signed({ kubeconfig: 'k', other: 'o', 'jws-kubeconfig-old': 'x' }, secrets, now)!;
  expect(Object.keys(data).filter((key) => key.startsWith('jws-'))).toEqual(keys);
  expect(data).toMatchObject({ kubeconfig: 'k', other: 'o' });
  expect(signed(data, secrets, now)).toBeUndefined();
});

test('without a kubeconfig there is nothing to sign', () => {
  expect(signed({ other: 'o' }, [token('a')], now)).toBeUndefined();
});

test('an end that is no time has passed', () => {
  expect([token('a'), token('a', { expiration: 'soon' })].map(expiration)).toEqual([undefined, 0]);
});
