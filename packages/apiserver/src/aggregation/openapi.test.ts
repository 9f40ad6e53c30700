import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { expect, it } from 'vitest';
import type { Reply } from '../connect/front-proxy.ts';
import type { RemoteDocuments } from '../openapi/service.ts';
import { RemoteOpenApi } from './openapi.ts';
import type { Question } from './remote.ts';

const service = (status = 'True'): APIService => ({
  metadata: { name: 'v1.g' },
  spec: { group: 'g', version: 'v1', groupPriorityMinimum: 10, versionPriority: 5 },
  status: { conditions: [{ type: 'Available', status }] },
});

const reply = (status: number, body: object = {}, headers: object = {}): Reply => ({
  status,
  headers: { ...headers },
  body: Buffer.from(JSON.stringify(body)),
});
const index = reply(200, { paths: { 'apis/g/v1': { serverRelativeURL: '/openapi/v3/apis/g/v1?hash=A' } } });
const paths = { '/apis/g/v1/things': {}, '/healthz': {} };
const spec = reply(200, { paths }, { etag: '"e"' });

/** @param answers by path, in order; the last one stays */
function fixture(answers: Record<string, Reply[]>) {
  const asked: Question[] = [];
  const documents = new Map<string, RemoteDocuments>();
  const subject = new RemoteOpenApi(
    {
      ask: async (_service, question) => {
        asked.push(question);
        const [first, ...rest] = answers[question.path]!;
        if (rest.length > 0) answers[question.path] = rest;
        return first!;
      },
    },
    {
      remote: (name) => documents.get(name),
      setRemote: (name, known) => void (known ? documents.set(name, known) : documents.delete(name)),
    },
  );
  /** What is known of each version: the URLs of documents, and paths. */
  const known = () => {
    const { index, spec2 } = documents.get('v1.g') ?? {};
    return index && [[...index.values()], spec2 && Object.keys(spec2.paths)];
  };
  return { subject, asked, known, documents };
}

const URLS = ['/openapi/v3/apis/g/v1?hash=A'];
const PATHS = ['/apis/g/v1/things'];

it('knows where the documents are, and what is said of the version alone', async () => {
  const { subject, known, documents } = fixture({ '/openapi/v3': [index], '/openapi/v2': [spec] });
  await subject.refresh(service());
  expect(known()).toEqual([URLS, PATHS]);
  expect(documents.get('v1.g')).toMatchObject({ etag: '"e"', priority: 10 });
  subject.remove(service());
  expect(known()).toBe(undefined);
});

it('asks for nothing while the server is not available', async () => {
  const { subject, asked } = fixture({});
  await subject.refresh(service('False'));
  expect(asked).toEqual([]);
});

it('asks with the ETag, and keeps what has not changed', async () => {
  const { subject, asked, known } = fixture({ '/openapi/v3': [index], '/openapi/v2': [spec, reply(304)] });
  await subject.refresh(service());
  await subject.refresh(service());
  expect(known()).toEqual([URLS, PATHS]);
  expect(asked.filter(({ path }) => path === '/openapi/v2').map(({ headers }) => headers?.['if-none-match'])).toEqual([
    undefined,
    '"e"',
  ]);
});

it('makes an ETag for who has none', async () => {
  const { subject, documents } = fixture({
    '/openapi/v3': [index],
    '/openapi/v2': [reply(200, { paths }), reply(200)],
  });
  await subject.refresh(service());
  const before = documents.get('v1.g')!.etag;
  await subject.refresh(service());
  expect(before).toMatch(/^"[0-9a-f]{128}"$/);
  expect(documents.get('v1.g')!.etag).not.toBe(before);
});

it.each<[string, Reply, Reply, string, unknown[]]>([
  ['3', reply(500), spec, 'the list of OpenAPI documents cannot be had: 500', [[], PATHS]],
  ['2', index, reply(403), 'failed to retrieve openAPI spec, http error: 403', [URLS, undefined]],
])('takes what it gets where version %s cannot be had', async (_version, index, spec, message, expected) => {
  const { subject, known } = fixture({ '/openapi/v3': [index], '/openapi/v2': [spec] });
  await expect(subject.refresh(service())).rejects.toThrow(message);
  expect(known()).toEqual(expected);
});

it('keeps what it knew where nothing can be had', async () => {
  const bad = reply(500);
  const { subject, known } = fixture({ '/openapi/v3': [index, bad], '/openapi/v2': [spec, bad] });
  await subject.refresh(service());
  await expect(subject.refresh(service())).rejects.toThrow('500');
  expect(known()).toEqual([URLS, PATHS]);
});

it('takes it that a server has no documents', async () => {
  const none = reply(404);
  const { subject, known } = fixture({ '/openapi/v3': [index, none], '/openapi/v2': [spec, none] });
  await subject.refresh(service());
  await subject.refresh(service());
  expect(known()).toEqual([[], undefined]);
});

it('knows a server that has none of version 3 alone, as long as it has not', async () => {
  const answers = { '/openapi/v3': [reply(404), reply(500), index], '/openapi/v2': [spec, reply(304)] };
  const { subject, known, documents } = fixture(answers);
  const isOld = () => documents.get('v1.g')!.isOld;
  await subject.refresh(service());
  expect([isOld(), known()]).toEqual([true, [[], PATHS]]);
  await expect(subject.refresh(service())).rejects.toThrow('500');
  expect(isOld()).toBe(true);
  await subject.refresh(service());
  expect([isOld(), known()]).toEqual([false, [URLS, PATHS]]);
});

it.each<[string, unknown, unknown, string]>([
  [
    'no URL of a document',
    { paths: { 'apis/g/v1': { serverRelativeURL: 1 } } },
    {},
    'serverRelativeURL must be a string',
  ],
  ['no list of documents', { paths: ['apis/g/v1'] }, {}, 'paths must be an object'],
  ['definitions that are none', { paths: {} }, { definitions: { T: null, U: 1 } }, 'definitions.U must be an object'],
  ['no document', { paths: {} }, null, 'the configuration must be an object'],
])('keeps what it knew where there is %s', async (_, list, document, problem) => {
  const answers = {
    '/openapi/v3': [index, reply(200, list as object)],
    '/openapi/v2': [spec, reply(200, document as object)],
  };
  const { subject, known } = fixture(answers);
  await subject.refresh(service());
  await expect(subject.refresh(service())).rejects.toThrow(problem);
  expect(known()?.[1]).toEqual(document === null || 'definitions' in (document as object) ? PATHS : []);
});

it('keeps what it knew where a document is deeper than anybody can read', async () => {
  const deep = {
    ...spec,
    body: Buffer.from(`{"definitions":{"T":${'{"not":'.repeat(20_000)}{}${'}'.repeat(20_000)}}}`),
  };
  const { subject, known } = fixture({ '/openapi/v3': [index], '/openapi/v2': [spec, deep] });
  await subject.refresh(service());
  await expect(subject.refresh(service())).rejects.toThrow('the OpenAPI document is deeper than 500');
  expect(known()).toEqual([URLS, PATHS]);
});
