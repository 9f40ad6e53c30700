/**
 * One etcd, one EncryptionConfiguration, two API servers: what one has encrypted the other reads. KUBE_APISERVER names
 * upstream's binary; without it there is nothing to compare with.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestPlugin, type TestPlugin } from '@keelson/apiserver/encryption/kms/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, ownBinary, startApiServer } from '../support/api-server.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { missing } from '../support/tools.ts';

const upstream = process.env.KUBE_APISERVER;
const reason = missing('etcd') ?? (upstream === undefined ? 'KUBE_APISERVER is not set' : undefined);

const keys = (name: string, letter: string) => ({
  keys: [{ name, secret: Buffer.alloc(32, letter).toString('base64') }],
});

/** A kind for each provider. */
const resources = [
  ['secrets', 'k8s:enc:aescbc:v1:one:', { data: { password: 'c2VjcmV0' } }],
  ['configmaps', 'k8s:enc:aesgcm:v1:two:', { data: { key: 'value'.repeat(100) } }],
  ['serviceaccounts', 'k8s:enc:secretbox:v1:three:', {}],
  ['limitranges', 'k8s:enc:kms:v2:plugin:', { spec: { limits: [] } }],
] as const;

const configuration = (endpoint: string) => ({
  kind: 'EncryptionConfiguration',
  apiVersion: 'apiserver.config.k8s.io/v1',
  resources: [
    { resources: ['secrets'], providers: [{ aescbc: keys('one', 'a') }, { identity: {} }] },
    { resources: ['configmaps'], providers: [{ aesgcm: keys('two', 'b') }] },
    { resources: ['serviceaccounts'], providers: [{ secretbox: keys('three', 'c') }] },
    { resources: ['limitranges'], providers: [{ kms: { apiVersion: 'v2', name: 'plugin', endpoint } }] },
    { resources: ['*.*'], providers: [{ aesgcm: keys('rest', 'd') }] },
  ],
});

interface Item {
  readonly metadata: { readonly name: string };
}

const mediaTypes = ['application/json', 'application/vnd.kubernetes.protobuf'];

describe.skipIf(reason !== undefined).each(mediaTypes)(
  `beside upstream, as %s${reason ? ` (skipped: ${reason})` : ''}`,
  (mediaType) => {
    let directory: string;
    let etcd: Etcd;
    let plugin: TestPlugin;
    const servers: ApiServer[] = [];
    let theirs: ApiClient;
    let ours: ApiClient;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'ke-'));
      plugin = await startTestPlugin(join(directory, 'kms.sock'));
      const file = join(directory, 'encryption.json');
      await writeFile(file, JSON.stringify(configuration(plugin.endpoint)));
      etcd = await startEtcd();
      for (const binary of [upstream!, ownBinary]) {
        const flags = [`--encryption-provider-config=${file}`];
        if (binary === ownBinary) flags.push(`--storage-media-type=${mediaType}`);
        servers.push(await startApiServer('etcd', flags, etcd, binary));
      }
      [theirs, ours] = servers.map(({ url, token }) => apiClient(url, token)) as [ApiClient, ApiClient];
    }, 60_000);

    afterAll(async () => {
      for (const client of [theirs, ours]) client?.close();
      for (const server of servers) await server.stop();
      await etcd?.stop();
      plugin?.stop();
      await rm(directory, { recursive: true });
    });

    /** What etcd has under a key. */
    async function stored(key: string): Promise<Buffer> {
      const answer = await etcd.ask<{ kvs?: { value: string }[] }>('/v3/kv/range', {
        key: Buffer.from(key).toString('base64'),
      });
      return Buffer.from(answer.kvs?.[0]?.value ?? '', 'base64');
    }

    it.each(resources)(
      '%s: what one has written as %s the other reads, lists and changes',
      async (resource, prefix, content) => {
        const path = `/api/v1/namespaces/default/${resource}`;
        for (const [name, writer, reader] of [
          ['by-upstream', theirs, ours],
          ['by-us', ours, theirs],
        ] as const) {
          const created = await writer.send('POST', path, { metadata: { name }, ...content });
          expect(created.status, created.body).toBe(201);
          expect((await stored(`/registry/${resource}/default/${name}`)).subarray(0, prefix.length).toString()).toBe(
            prefix,
          );
          const read = await reader.send('GET', `${path}/${name}`);
          expect(JSON.parse(read.body)).toEqual(JSON.parse(created.body));
          const list = JSON.parse((await reader.send('GET', `${path}?limit=500`)).body) as { items: Item[] };
          expect(list.items.map(({ metadata }) => metadata.name)).toContain(name);
          const patched = await reader.send('PATCH', `${path}/${name}`, { metadata: { labels: { changed: 'yes' } } });
          expect(patched.status).toBe(200);
          expect(JSON.parse((await writer.send('GET', `${path}/${name}`)).body)).toEqual(JSON.parse(patched.body));
        }
      },
    );

    it('what is no resource stays as it is, whatever the wildcards say', async () => {
      for (const key of ['/registry/ranges/servicenodeports']) {
        expect((await stored(key)).toString('latin1')).not.toContain('k8s:enc:');
      }
    });

    it('a value under another key is refused by both in the same words', async () => {
      const path = '/api/v1/namespaces/default/configmaps';
      await ours.send('POST', path, { metadata: { name: 'moved' } });
      const value = await stored('/registry/configmaps/default/moved');
      await etcd.ask('/v3/kv/put', {
        key: Buffer.from('/registry/configmaps/default/elsewhere').toString('base64'),
        value: value.toString('base64'),
      });
      for (const url of [`${path}/elsewhere`, `${path}?limit=500`]) {
        const [expected, answer] = [await theirs.send('GET', url), await ours.send('GET', url)];
        expect([answer.status, JSON.parse(answer.body)]).toEqual([expected.status, JSON.parse(expected.body)]);
        expect(answer.status).toBe(500);
      }
      for (const client of [theirs, ours]) {
        expect((await client.send('GET', `${path}/moved`)).status).toBe(200);
        expect((await client.send('POST', path, { metadata: { name: 'elsewhere' } })).status).toBe(409);
        expect((await client.send('DELETE', `${path}/elsewhere`)).body).toContain('message authentication failed');
      }
    });
  },
);
