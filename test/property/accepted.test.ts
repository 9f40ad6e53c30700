/**
 * Whatever the server accepts, it returns, in every form alike; and takes back as it was. The objects are mutants of valid
 * ones of every kind (test/differential), seeded: PROPERTY_SEED, PROPERTY_RUNS for each object.
 */
import { isDeepStrictEqual } from 'node:util';
import { type MediaType, serializerFor } from '@keelson/api/codec/index';
import { encodeJson, normalize } from '@keelson/api/codec/json';
import { type KubeObject, parseApiVersion } from '@keelson/api/object';
import type { StructType } from '@keelson/api/schema';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pathsThatDiffer } from '../differential/compare.ts';
import { REFERENCE_FLAGS } from '../differential/golden.ts';
import { mutated, mutations } from '../differential/mutate.ts';
import { NAMESPACE, type Seed, seeds } from '../differential/objects.ts';
import { Values } from '../differential/values.ts';
import { comparable } from '../differential/wire.ts';
import { type ApiClient, apiClient, type HttpAnswer } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';

const SEED = Number(process.env.PROPERTY_SEED ?? 1);
const RUNS = Number(process.env.PROPERTY_RUNS ?? 5);
const JSON_TYPE = 'application/json';
const FORMS: readonly MediaType[] = ['application/vnd.kubernetes.protobuf', 'application/yaml'];
/** Controllers of the server's own write these too, at any time. */
const SHARED: ReadonlySet<string> = new Set(['CustomResourceDefinition', 'APIService']);

/** What upstream refuses of an update, though not of a new object. */
const STRICTER_UPDATES = /status\.addresses\[\d+\]: Duplicate value/;

let server: ApiServer;
let client: ApiClient;
const collections = new Map<string, string>();

beforeAll(async () => {
  server = await startApiServer('memory', REFERENCE_FLAGS);
  client = apiClient(server.url, server.token);
  await send('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
  await send('POST', `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: 'default' } });
}, 60_000);
afterAll(async () => {
  client.close();
  await server.stop();
});

function send(
  method: string,
  path: string,
  body?: object | Buffer,
  { accept = JSON_TYPE, type = JSON_TYPE } = {},
): Promise<HttpAnswer> {
  const bytes = body === undefined || Buffer.isBuffer(body) ? body : encodeJson(body);
  return client.send(method, path, bytes, { accept, 'content-type': type });
}

function decoded({ bytes }: HttpAnswer, media: string, type: StructType): KubeObject {
  return serializerFor(media as MediaType)
    .open(bytes)
    .decode(type, { strict: false }).object;
}

async function collectionOf({ apiVersion = '', kind = '' }: KubeObject): Promise<string> {
  const key = `${apiVersion} ${kind}`;
  if (!collections.has(key)) {
    const root = `${parseApiVersion(apiVersion).group === '' ? '/api' : '/apis'}/${apiVersion}`;
    const { bytes } = await send('GET', root);
    const { resources } = JSON.parse(bytes.toString()) as {
      resources: { name: string; kind: string; namespaced: boolean }[];
    };
    for (const r of resources.filter(({ name }) => !name.includes('/')))
      collections.set(`${apiVersion} ${r.kind}`, `${root}${r.namespaced ? `/namespaces/${NAMESPACE}` : ''}/${r.name}`);
  }
  return collections.get(key)!;
}

/** What is wrong with how the server treats the object; undefined also for one that it refuses. */
async function fault({ object: valid, type }: Seed, object: KubeObject): Promise<string | undefined> {
  const collection = await collectionOf(valid);
  const answer = await send('POST', collection, object);
  if (answer.status !== 201) return undefined;
  const created = decoded(answer, JSON_TYPE, type);
  const path = `${collection}/${encodeURIComponent(created.metadata.name!)}`;
  try {
    const problem = await faultOfStored(path, created, type);
    if (problem !== undefined) return problem;
    await remove(path);
    return created.kind === 'Namespace' ? undefined : await faultOfForms(collection, object, type);
  } finally {
    await remove(path);
    if (created.kind === 'Namespace')
      await send('PUT', `${path}/finalize`, { metadata: { name: created.metadata.name } });
  }
}

async function remove(path: string): Promise<void> {
  await send('PATCH', path, { metadata: { finalizers: null } }, { type: 'application/merge-patch+json' });
  await send('DELETE', `${path}?gracePeriodSeconds=0&propagationPolicy=Background`);
}

async function faultOfStored(path: string, created: KubeObject, type: StructType): Promise<string | undefined> {
  const object = decoded(await send('GET', path), JSON_TYPE, type);
  const asRead = unlike('it is read', created, object);
  if (asRead) return asRead;
  for (const accept of FORMS) {
    const other = decoded(await send('GET', path, undefined, { accept }), accept, type);
    const problem = unlike(`${accept} and JSON`, withoutKinds(object), withoutKinds(other));
    if (problem) return problem;
  }
  for (const form of [JSON_TYPE, ...FORMS]) {
    const body = serializerFor(form as MediaType).encode(object);
    const put = await send('PUT', path, body, { type: form });
    if (STRICTER_UPDATES.test(put.body)) return undefined;
    if (put.status !== 200) return `PUT of what was read, as ${form}: ${put.bytes}`;
    const problem = unlike(`PUT of what was read, as ${form}`, object, decoded(put, JSON_TYPE, type));
    if (problem) return problem;
  }
  return faultOfApply(path, object, type);
}

/** The first apply makes its manager an owner, the second one nothing. */
async function faultOfApply(path: string, object: KubeObject, type: StructType): Promise<string | undefined> {
  const { managedFields: _, resourceVersion: __, ...metadata } = object.metadata;
  const apply = async (): Promise<HttpAnswer> =>
    send(
      'PATCH',
      `${path}?fieldManager=property&force=true`,
      { ...object, metadata },
      { type: 'application/apply-patch+yaml' },
    );
  const answers = [await apply(), await apply()];
  const failed = answers.find(({ status }) => status !== 200);
  // A list that is a set, or one with keys, may have been accepted with items that an apply may not have.
  if (failed && /duplicate entries|omits all key fields/.test(failed.body)) return undefined;
  if (failed) return `apply of what was read: ${failed.bytes}`;
  const [first, second] = answers.map((answer) => decoded(answer, JSON_TYPE, type)) as [KubeObject, KubeObject];
  return unlike('apply of what was read', content(object), content(first)) ?? unlike('apply once more', first, second);
}

/** The same once more, in each form. */
async function faultOfForms(collection: string, given: KubeObject, type: StructType): Promise<string | undefined> {
  const object = normalize(given, type);
  const answers: unknown[] = [];
  for (const form of [JSON_TYPE, ...FORMS]) {
    const body = serializerFor(form as MediaType).encode(object);
    const answer = await send('POST', `${collection}?dryRun=All`, body, { type: form });
    if (answer.status !== 201) return `POST of what was accepted, as ${form}: ${answer.bytes}`;
    answers.push(content(decoded(answer, JSON_TYPE, type)));
  }
  return (
    unlike(`as ${FORMS[0]} and JSON`, answers[0], answers[1]) ??
    unlike(`as ${FORMS[1]} and JSON`, answers[0], answers[2])
  );
}

/** Without what every write or every object has of its own, or by chance. */
function content({ metadata, ...rest }: KubeObject): unknown {
  const { resourceVersion: _, uid: __, creationTimestamp: ___, managedFields: ____, ...kept } = metadata;
  return comparable({ status: 200, warnings: [], body: { ...rest, metadata: kept } }).body;
}

/** Protobuf has no place for the kinds of objects within objects. */
function withoutKinds(object: KubeObject): unknown {
  return JSON.parse(JSON.stringify(object), (_key, value: { volumeClaimTemplates?: object[] } | null) =>
    value?.volumeClaimTemplates
      ? { ...value, volumeClaimTemplates: value.volumeClaimTemplates.map((t) => ({ ...t, kind: '', apiVersion: '' })) }
      : value,
  );
}

/** Nothing when they are equal. */
function unlike(what: string, want: unknown, got: unknown): string | undefined {
  return isDeepStrictEqual(want, got) ? undefined : `${what}: ${pathsThatDiffer(want, got).slice(0, 5).join(' | ')}`;
}

test(`what is accepted comes back (PROPERTY_SEED=${SEED})`, async () => {
  const all = seeds().filter(({ object }) => !SHARED.has(object.kind!));
  const values = new Values(all);
  let accepted = 0;
  for (const seed of all) {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          { weight: 1, arbitrary: fc.constant([]) },
          { weight: 9, arbitrary: mutations(seed.object, seed.type, values)! },
        ),
        async (list) => {
          const problem = await fault(seed, mutated(seed.object, list) as KubeObject);
          accepted += problem === undefined ? 1 : 0;
          if (problem !== undefined) throw new Error(`${seed.name}: ${problem}`);
        },
      ),
      { seed: SEED, numRuns: RUNS, endOnFailure: true },
    );
  }
  expect(accepted).toBeGreaterThan(all.length);
}, 120_000);
