/**
 * How long requests of megabytes hold the event loop of the API server: of each the shortest of five longest pauses, in ms, since
 * others use the machine, too.
 *
 *   npm run bench:turns -- [part of a name]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { apiClient } from '../test/support/api-client.ts';
import { apiServer } from './servers/apiserver.ts';
import { longestPause } from './servers/usage.ts';

const ROUNDS = 5;
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const WIDGETS = '/apis/bench.example.com/v1/namespaces/default/widgets';
const JSON_PATCH = { 'content-type': 'application/json-patch+json' };
const APPLY = { 'content-type': 'application/apply-patch+yaml' };

const text = { type: 'string' };
const item = { type: 'object', required: ['name'], properties: { name: text, port: { type: 'integer' }, text } };
const list = { type: 'array', items: item, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };
const free = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const spec = { type: 'object', properties: { list, free } };
const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.bench.example.com' },
  spec: {
    group: 'bench.example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
      },
    ],
  },
};

const members = (count: number, value: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`key-${String(i).padStart(6, '0')}`, value]));
const items = (count: number, said: string) =>
  Array.from({ length: count }, (_, i) => ({ name: `item-${i}`, port: i + 1, text: `${said} ${i}` }));
const widget = (name: string, said: object) => ({
  apiVersion: 'bench.example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec: said,
});
const fractions = Array.from({ length: 300_000 }, () => 1.5);

type Case = readonly [method: string, path: string, body: object | string, headers?: Readonly<Record<string, string>>];

/** The requests of a round, of which the last is measured. */
const CASES: Readonly<Record<string, (round: number) => readonly Case[]>> = {
  'apply: 15,000 items': (i) => [
    ['PATCH', `${WIDGETS}/first-${i}?fieldManager=a`, widget(`first-${i}`, { list: items(15_000, 'a') }), APPLY],
  ],
  'apply: 15,000 items, each changed': (i) => [
    ['PATCH', `${WIDGETS}/again?fieldManager=a`, widget('again', { list: items(15_000, `a${i}`) }), APPLY],
    ['PATCH', `${WIDGETS}/again?fieldManager=a`, widget('again', { list: items(15_000, `b${i}`) }), APPLY],
  ],
  'JSON patch: test of 300,000 fractions': (i) => [
    ['POST', WIDGETS, widget(`fractions-${i}`, { free: { fractions } })],
    [
      'PATCH',
      `${WIDGETS}/fractions-${i}`,
      [{ op: 'test', path: '/spec/free/fractions', value: fractions }],
      JSON_PATCH,
    ],
  ],
  'create: 40,000 members': (i) => [
    ['POST', CONFIG_MAPS, { metadata: { name: `many-${i}` }, data: members(40_000, 'a') }],
  ],
  'create: 140,000 members': (i) => [
    ['POST', CONFIG_MAPS, { metadata: { name: `most-${i}` }, data: members(140_000, 'a') }],
  ],
  'create: 140,000 members, one of them twice': (i) => [
    [
      'POST',
      CONFIG_MAPS,
      JSON.stringify({ metadata: { name: `twice-${i}` }, data: members(140_000, 'a') }).replace(
        /\}\}$/,
        ',"key-000000":"b"}}',
      ),
    ],
  ],
  'create: 140,000 members of a wrong type': () => [
    ['POST', CONFIG_MAPS, { metadata: { name: 'wrong' }, data: members(140_000, 1) }],
  ],
};

const directory = mkdtempSync(join(tmpdir(), 'keelson-bench-'));
const command = [resolve(import.meta.dirname, '../bin/kube-apiserver')];
const server = await apiServer({ name: 'keelson', command, node: true }).start(directory);
const client = apiClient(server.base, server.token);

const send = ([method, path, body, headers]: Case) =>
  client.send(method, path, Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), {
    'content-type': 'application/json',
    ...headers,
  });

try {
  await send(['POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition]);
  while ((await client.send('GET', WIDGETS)).status !== 200) await sleep(100);
  for (const [name, requests] of Object.entries(CASES)) {
    if (!name.includes(process.argv[2] ?? '')) continue;
    let best = Number.POSITIVE_INFINITY;
    let status = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const cases = requests(round);
      for (const each of cases.slice(0, -1)) await send(each);
      await longestPause(server);
      ({ status } = await send(cases.at(-1)!));
      best = Math.min(best, (await longestPause(server))!);
    }
    console.log(`${name.padEnd(44)} ${best.toFixed(0).padStart(5)} ms  (${status})`);
  }
} finally {
  client.close();
  await server.stop();
  rmSync(directory, { recursive: true });
}
