import fs from 'node:fs';
import path from 'node:path';
import { atOnce } from '@keelson/api/pieces';
import { describe, expect, it } from 'vitest';
import { enabledGroups, type ServedGroup } from '../discovery/runtime-config.ts';
import { loadOpenApiData } from './data.ts';
import { document2, document3, documentNames } from './documents.ts';
import type { OpenApiData } from './notation.ts';
import { textOf } from './testing.ts';

type Json = { [key: string]: unknown };

/** A small world: one kind with most of what the notation has. */
const data: OpenApiData = {
  texts: ['', 'a ship', 'how <fast>', 'never', 'what it carries', 'which page', 'all of them', 'answer', 'list'],
  parameters: { '': { pretty: ['string', 5], continue: ['string', 6] }, patch: {} },
  returnedOnDelete: ['ships.sea.example'],
  schemas: {
    'sea.v1.Ship': {
      t: 'object',
      d: 1,
      k: [['sea.example', 'v1', 'Ship']],
      r: ['speed'],
      p: {
        speed: { t: 'string', d: 2, D: '', e: [['Fast', 'Slow'], [0, 3], 1] },
        hold: { $: 'sea.v1.Hold', d: 4, D: {} },
        bare: { $: 'sea.v1.Hold' },
      },
    },
    'sea.v1.ShipList': { t: 'object', d: 8, k: [['sea.example', 'v1', 'ShipList']] },
    'sea.v1.Hold': { o: ['string', 'number'] },
    'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions': { t: 'object' },
    'io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList': { t: 'object' },
    'unused.v1.Thing': { t: 'object' },
  },
};
const served: ServedGroup[] = [
  {
    name: 'sea.example',
    preferred: 'v1',
    versions: [
      {
        version: 'v1',
        resources: [{ name: 'ships', singularName: 'ship', namespaced: true, kind: 'Ship', verbs: ['list', 'delete'] }],
      },
    ],
  },
];
const world = { served, custom: new Map() };
const golden = (name: string) => path.join(import.meta.dirname, 'testdata', name);

function render(name: string): string {
  const document = name === 'v2' ? atOnce(document2(world, data)) : document3(name, world, data);
  return `${JSON.stringify(JSON.parse(textOf(document)), null, 2)}\n`;
}

describe('small documents', () => {
  it.each([
    ['apis/sea.example/v1', 'sea-v3.golden.json'],
    ['apis/sea.example', 'sea-group-v3.golden.json'],
    ['v2', 'sea-v2.golden.json'],
  ])('%s', async (name, file) => {
    await expect(render(name)).toMatchFileSnapshot(golden(file));
  });

  it('are named after their paths', () => {
    expect(documentNames(world)).toEqual([
      '.well-known/openid-configuration',
      'api',
      'apis',
      'apis/sea.example',
      'apis/sea.example/v1',
      'openid/v1/jwks',
      'version',
    ]);
  });

  it.each(['apis/nope', 'apis/sea.example/v2', 'foo', ''])('there is none named %j', (name) => {
    expect(document3(name, world, data)).toBeUndefined();
  });
});

const recorded = path.resolve(import.meta.dirname, '../../../../../shared/kubernetes-1.36/openapi');

/** What a server says otherwise than the recorded documents: no CBOR, its version, no logs. */
function asServed(value: unknown): unknown {
  if (Array.isArray(value)) return value.filter((v) => !isCbor(v)).map(asServed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key]) => !isCbor(key) && !key.startsWith('/logs/') && !key.startsWith('logpath-'),
  );
  return Object.fromEntries(entries.map(([key, v]) => [key, key === 'info' ? INFO : asServed(v)]));
}
const isCbor = (text: unknown) => typeof text === 'string' && /^application\/.*cbor/.test(text);
const INFO = { title: 'Kubernetes', version: '1.36' };

/** Without texts and enumerations, which the recorded documents do not have. */
function structure(value: unknown, isProperties = false): unknown {
  if (Array.isArray(value)) return value.map((v) => structure(v));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(
    ([key, v]) =>
      isProperties || !((key === 'description' && typeof v === 'string') || (key === 'enum' && Array.isArray(v))),
  );
  return Object.fromEntries(entries.map(([key, v]) => [key, structure(v, key === 'properties' && !isProperties)]));
}

/** Texts by path; of enumerated fields without the list of values. */
function* textsOf(value: unknown, at = ''): Iterable<[string, string]> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, v] of Object.entries(value)) {
    if (key === 'description' && typeof v === 'string') yield [at, v.split(/\n+Possible enum values:/)[0]!.trimEnd()];
    else yield* textsOf(v, `${at}/${key}`);
  }
}

function read(file: string): Json {
  return asServed(JSON.parse(fs.readFileSync(path.join(recorded, file), 'utf8'))) as Json;
}

describe.runIf(fs.existsSync(recorded))('recorded documents', async () => {
  const everything = { served: enabledGroups({ 'api/all': 'true' }, () => true), custom: new Map() };
  const built = await loadOpenApiData();
  const hasTexts = built.texts.some((text) => text !== '');

  it.each(documentNames(everything))('%s', async (name) => {
    const ours = JSON.parse(textOf(document3(name, everything, built))) as Json;
    expect(structure(ours)).toEqual(structure(read(`v3/${name.replaceAll('/', '__')}_openapi.json`)));
  });

  it('version 2', async () => {
    const ours = JSON.parse(textOf(atOnce(document2(everything, built)))) as Json;
    const theirs = read('swagger.json');
    expect(structure(ours.definitions)).toEqual(structure(theirs.definitions));
    const names = (v: unknown) => JSON.stringify(v).replaceAll(/(#\/parameters\/\w+)-[\w-]+/g, '$1');
    expect(names(structure(ours.paths))).toHaveLength(names(structure(theirs.paths)).length);
    if (hasTexts) expect(structure({ ...ours, definitions: 0 })).toEqual(structure({ ...theirs, definitions: 0 }));
  });

  it.runIf(hasTexts)('texts of what is served by default are all there', async () => {
    const ours = JSON.parse(textOf(atOnce(document2({ ...everything, served: enabledGroups() }, built)))) as Json;
    const theirs = new Map(textsOf(read('swagger.json').definitions));
    const wrong = [...textsOf(ours.definitions)].filter(([at, text]) => theirs.get(at) !== text).map(([at]) => at);
    const missing = [...theirs.keys()].filter((at) => at.split('/')[1]! in (ours.definitions as Json));
    expect(wrong).toEqual([]);
    expect(new Set(missing).size).toBe([...textsOf(ours.definitions)].length);
  });
});
