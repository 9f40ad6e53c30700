/** Lists that many ask for at once: each answer is the whole list, in the form that its client wants, as new as the client demands. */
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import { apiClient } from '../support/api-client.ts';
import { servedApi } from '../support/served.ts';

const path = '/api/v1/namespaces/default/configmaps';
const OBJECTS = 300;

const client = servedApi('memory');
beforeAll(async () => {
  const data = { text: 'x'.repeat(1000) };
  await Promise.all(
    Array.from({ length: OBJECTS }, (_, i) => client.send('POST', path, { metadata: { name: `c-${i}` }, data })),
  );
}, 60_000);

interface List {
  readonly metadata: { readonly resourceVersion: string };
  readonly items?: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string } }[];
  readonly rows?: readonly unknown[];
}

const forms: readonly { name: string; headers: Record<string, string>; query?: string }[] = [
  { name: 'JSON', headers: {} },
  { name: 'JSON, indented', headers: {}, query: '?pretty=true' },
  { name: 'gzip', headers: { 'accept-encoding': 'gzip' } },
  { name: 'metadata', headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' } },
  { name: 'a Table', headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } },
  { name: 'protobuf', headers: { accept: 'application/vnd.kubernetes.protobuf' } },
  { name: 'a few', headers: {}, query: '?fieldSelector=metadata.name%3Dc-7' },
];

/** The last cell of a row, which another second changes. */
const withoutAges = (bytes: Buffer) => bytes.toString('latin1').replaceAll(/"[\dms]+"\],"object"/g, '"object"');

test('each of many gets its own form', async () => {
  const alone = new Map<string, Buffer>();
  const get = (form: (typeof forms)[number]) =>
    client.send('GET', `${path}${form.query ?? ''}`, undefined, form.headers);
  // A list that is asked for once in a while is nobody else's.
  for (const form of forms) alone.set(form.name, (await get(form)).bytes);
  const many = await Promise.all(Array.from({ length: 8 }, () => forms.map(get)).flat());
  for (const [i, { status, bytes, headers }] of many.entries()) {
    const { name } = forms[i % forms.length]!;
    expect(status).toBe(200);
    const isZipped = headers['content-encoding'] === 'gzip';
    expect(isZipped).toBe(name === 'gzip');
    const plain = isZipped ? gunzipSync(bytes) : bytes;
    const expected = isZipped ? gunzipSync(alone.get(name)!) : alone.get(name)!;
    expect(withoutAges(plain) === withoutAges(expected), name).toBe(true);
  }
  const json = JSON.parse(String(alone.get('JSON'))) as List;
  expect(json.items!.length).toBe(OBJECTS);
  expect((JSON.parse(String(alone.get('a few'))) as List).items!.length).toBe(1);
});

test('nobody gets what was before a write that has been answered', async () => {
  for (let round = 0; round < 10; round++) {
    const asking = Array.from({ length: 20 }, () => client.send('GET', path));
    const { body } = await client.send('PUT', `${path}/c-1`, {
      metadata: { name: 'c-1' },
      data: { text: 'y'.repeat(round) },
    });
    const { metadata } = JSON.parse(body) as { metadata: { resourceVersion: string } };
    const after = await Promise.all(Array.from({ length: 20 }, () => client.send('GET', path)));
    for (const answer of after) {
      const list = JSON.parse(answer.body) as List;
      expect(Number(list.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(metadata.resourceVersion));
      const changed = list.items!.find((item) => item.metadata.name === 'c-1')!;
      expect(changed.metadata.resourceVersion).toBe(metadata.resourceVersion);
    }
    await Promise.all(asking);
  }
});

test('a client that stops reading leaves the others alone', async () => {
  const reading = Array.from({ length: 10 }, () => client.send('GET', path));
  const leaving = apiClient(client.server.url, client.server.token);
  const left = Array.from({ length: 10 }, () => leaving.send('GET', path).catch(() => undefined));
  leaving.close();
  await Promise.all(left);
  const sizes = (await Promise.all(reading)).map(({ bytes }) => bytes.length);
  expect(new Set(sizes).size).toBe(1);
});
