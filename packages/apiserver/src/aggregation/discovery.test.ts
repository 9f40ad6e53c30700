import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { describe, expect, it } from 'vitest';
import type { Reply } from '../connect/front-proxy.ts';
import { ApiGroups } from '../discovery/groups.ts';
import { RemoteDiscovery } from './discovery.ts';
import type { Question } from './remote.ts';

const service: APIService = {
  metadata: { name: 'v1.g' },
  spec: {
    group: 'g',
    version: 'v1',
    groupPriorityMinimum: 10,
    versionPriority: 5,
    service: { namespace: 'n', name: 's' },
  },
  status: {},
};
const verbs = ['get'];
const aggregated = (...versions: object[]) => ({ items: [{ metadata: { name: 'g' }, versions }] });
const things = { resource: 'things', responseKind: { kind: 'Thing' }, scope: 'Namespaced', verbs };
const TYPE = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

const reply = (status: number, body: object = {}, headers: object = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: Buffer.from(JSON.stringify(body)),
});

/** @param answers by path, in order; the last one stays */
function fixture(answers: Record<string, (Reply | Error)[]>) {
  const groups = new ApiGroups(() => 'server', true);
  const asked: Question[] = [];
  const discovery = new RemoteDiscovery(
    {
      ask: async (_service, question) => {
        const { path } = question;
        asked.push(question);
        const [first, ...rest] = answers[path] ?? [];
        if (rest.length > 0) answers[path] = rest;
        if (!first || first instanceof Error) throw first ?? new Error(`nothing at ${path}`);
        return first;
      },
    },
    groups,
  );
  const shown = () => {
    const { bytes } = groups.document({ kind: 'aggregatedApis' }, 'application/json', false)!;
    return (JSON.parse(String(bytes)) as { items: { versions: object[] }[] }).items.flatMap(({ versions }) => versions);
  };
  return { discovery, asked, shown };
}

const complete = {
  resource: 'things',
  responseKind: { group: '', version: '', kind: 'Thing' },
  scope: 'Namespaced',
  singularResource: '',
  verbs,
};

describe('discovery of a remote server', () => {
  it('shows what it says of the version in the aggregated form, and asks with its ETag', async () => {
    const list = aggregated({ version: 'v1', resources: [things] }, { version: 'v2', resources: [] });
    const { discovery, asked, shown } = fixture({
      '/apis': [reply(200, list, { 'content-type': TYPE, etag: '"e"' }), reply(304)],
    });
    await discovery.refresh(service);
    await discovery.refresh(service);
    expect(shown()).toEqual([{ version: 'v1', resources: [complete], freshness: 'Current' }]);
    expect(asked.map(({ headers }) => headers?.['if-none-match'])).toEqual([undefined, '"e"']);
  });

  it('shows what is missing as empty, and the types that a subresource takes', async () => {
    const kind = { group: 'g', version: 'v1', kind: 'Part' };
    const parts = { subresource: 'parts', acceptedTypes: [kind], verbs };
    const list = aggregated({ version: 'v1', resources: [{ resource: 'things', verbs, subresources: [parts] }] });
    const { discovery, shown } = fixture({ '/apis': [reply(200, list, { 'content-type': TYPE })] });
    await discovery.refresh(service);
    const responseKind = { group: '', version: '', kind: '' };
    const subresources = [{ ...parts, responseKind }];
    expect(shown()).toEqual([
      {
        version: 'v1',
        resources: [{ resource: 'things', responseKind, scope: '', singularResource: '', verbs, subresources }],
        freshness: 'Current',
      },
    ]);
  });

  it('takes the list of the version from servers that know no aggregated form', async () => {
    const thing = { namespaced: true, kind: 'Thing', verbs };
    const { discovery, shown, asked } = fixture({
      '/apis': [reply(200, { kind: 'APIGroupList' })],
      '/apis/g/v1': [
        reply(200, {
          resources: [
            { name: 'things', ...thing },
            { name: 'things/status', ...thing },
          ],
        }),
      ],
    });
    await discovery.refresh(service);
    expect(asked.map(({ user }) => user.groups)).toEqual([['system:masters'], []]);
    const subresources = [{ subresource: 'status', responseKind: complete.responseKind, verbs }];
    expect(shown()).toEqual([{ version: 'v1', resources: [{ ...complete, subresources }], freshness: 'Current' }]);
  });

  it.each([
    [
      TYPE,
      { items: [{ versions: [{ version: 'v1', resources: [{ ...things, verbs: 'get' }] }] }] },
      'verbs must be a list',
    ],
    [TYPE, { items: [{ versions: [{ version: 1 }] }] }, 'version must be a string'],
    [TYPE, { items: [null] }, 'items[0] must be an object'],
    ['application/json', { resources: [{ name: 'things', shortNames: 'th' }] }, 'shortNames must be a list'],
    ['application/json', { resources: 'things' }, 'resources must be a list'],
  ])('shows nothing of what is no discovery: %s %j', async (type, body, problem) => {
    const answer = reply(200, body, { 'content-type': type });
    const old = reply(200, body, { 'content-type': type });
    const { discovery, shown } = fixture({ '/apis': [answer], '/apis/g/v1': [old] });
    await expect(discovery.refresh(service)).rejects.toThrow(problem);
    expect(shown()).toEqual([{ version: 'v1', freshness: 'Stale' }]);
  });

  it('asks without an ETag again when the server was not wanted meanwhile', async () => {
    const { discovery, asked } = fixture({
      '/apis': [reply(200, aggregated(), { 'content-type': TYPE, etag: '"e"' })],
    });
    await discovery.refresh(service);
    discovery.remove(service);
    await discovery.refresh(service);
    expect(asked.map(({ headers }) => headers?.['if-none-match'])).toEqual([undefined, undefined]);
  });

  it.each<[string, Record<string, (Reply | Error)[]>, string]>([
    ['cannot be reached', { '/apis': [new Error('refused')] }, 'refused'],
    ['is not available', { '/apis': [reply(503)] }, 'service n/s:443 returned non-success response code: 503'],
    [
      'refuses',
      { '/apis': [reply(403)], '/apis/g/v1': [reply(403)] },
      'failed to download legacy discovery for /apis/g/v1',
    ],
  ])('shows a version as stale whose server %s', async (_what, answers, message) => {
    const { discovery, shown } = fixture(answers);
    await expect(discovery.refresh(service)).rejects.toThrow(message);
    expect(shown()).toEqual([{ version: 'v1', freshness: 'Stale' }]);
    discovery.remove(service);
    expect(shown()).toEqual([]);
  });
});
