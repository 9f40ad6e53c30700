import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { systemWorld } from '@keelson/client';
import { detachedSignature } from '@keelson/controllers/bootstrap/tokens';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAuthority, issue, type KeyPair } from '../../pki/certificate.ts';
import { authorityHash } from '../cluster-info.ts';
import { discoverCluster } from './discovery.ts';

const token = { id: 'abcdef', secret: '0123456789abcdef' };
let authority: KeyPair;
let stranger: KeyPair;
let server: http2.Http2SecureServer;
let endpoint: string;
/** What the server answers, one after the other; the last one from then on. */
let answers: Record<string, string>[];

beforeAll(async () => {
  authority = await createAuthority('kubernetes', new Date());
  stranger = await createAuthority('stranger', new Date());
  const profile = { commonName: 'kube-apiserver', usage: 'server', names: ['127.0.0.1'] } as const;
  const { certificate, key } = await issue(profile, authority, new Date());
  server = http2.createSecureServer({ cert: certificate, key });
  server.on('stream', (stream) => {
    const data = answers.length > 1 ? answers.shift()! : answers[0]!;
    stream.respond({ ':status': 200, 'content-type': 'application/json' });
    stream.end(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'cluster-info' }, data }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const kubeconfig = ({ certificate }: KeyPair, name = '') =>
  JSON.stringify({
    clusters: [
      {
        name,
        cluster: {
          server: 'https://cluster:6443',
          'certificate-authority-data': Buffer.from(certificate).toString('base64'),
        },
      },
    ],
  });
const signed = (text: string, secret = token.secret) => ({
  kubeconfig: text,
  'jws-kubeconfig-abcdef': detachedSignature(text, token.id, secret),
});
const discover = (...caHashes: string[]) => discoverCluster({ token, endpoint, caHashes, timeoutMs: 0 }, systemWorld());

test('a cluster is trusted that the token has signed for, and whose authority is known', async () => {
  answers = [signed(kubeconfig(authority))];
  const found = { server: 'https://cluster:6443', certificateAuthority: authority.certificate };
  expect(await discover(authorityHash(stranger.certificate), authorityHash(authority.certificate))).toEqual(found);
  expect(await discover(authorityHash(authority.certificate).toUpperCase().replace('SHA', 'sha'))).toEqual(found);
  expect(await discover()).toEqual(found);
});

test.each<[string, () => Record<string, string>[], string]>([
  ['that another token has signed for', () => [signed(kubeconfig(authority), 'x'.repeat(16))], 'failed to verify JWS'],
  ['that nobody has signed for', () => [{ kubeconfig: kubeconfig(authority) }], 'could not find a JWS signature'],
  [
    'of another authority',
    () => [signed(kubeconfig(stranger))],
    'cluster CA found in cluster-info ConfigMap is invalid: none of the public keys "sha256:',
  ],
  [
    'that says something else the second time',
    () => [signed(kubeconfig(authority)), signed(kubeconfig(authority, 'other'))],
    'was different from the first',
  ],
  ['without a kubeconfig', () => [signed('')], "isn't set up for token bootstrapping"],
  ['without an authority', () => [signed('{"clusters": [{"cluster": {"server": "s"}}]}')], 'malformed kubeconfig'],
])('no cluster: one %s', async (_, given, message) => {
  answers = given();
  await expect(discover(authorityHash(authority.certificate))).rejects.toThrow(message);
});

test('a server that the pinned authority does not vouch for is asked nothing more', async () => {
  answers = [signed(kubeconfig(stranger))];
  await expect(discover(authorityHash(stranger.certificate))).rejects.toThrow('failed to request the cluster-info');
});

test('a hash that is none is refused before anybody is asked', async () => {
  await expect(discover('sha256:abc')).rejects.toThrow('invalid discovery token CA certificate hash: sha256:abc');
});

test('why it takes long is told, once', async () => {
  answers = [{ kubeconfig: kubeconfig(authority) }];
  const told: string[] = [];
  const waiting = (problem: string) => void told.push(problem);
  const options = { token, endpoint, caHashes: [], timeoutMs: 50, waiting };
  // An answer may take as long as it likes: the time is over once something was told.
  const world = systemWorld();
  const clock = { ...world.clock, now: () => told.length * 100 };
  await expect(discoverCluster(options, { ...world, clock })).rejects.toThrow('could not find a JWS signature');
  expect(told).toEqual(['could not find a JWS signature in the cluster-info ConfigMap for token ID "abcdef"']);
});
