import type { MatchResources, RuleWithOperations } from '@keelson/api/generated/types/admissionregistration/v1';
import type { GroupVersionResource, KubeObject } from '@keelson/api/object';
import { typeOfKind } from '@keelson/api/schema';
import { describe, expect, it } from 'vitest';
import { typedForm } from '../../registry/form.ts';
import { active, fakeWorld, request } from '../testing.ts';
import { type Form, type FormsOf, VersionedObjects } from './forms.ts';
import { type Asked, configuresAdmission, findForm, matchesRule } from './rules.ts';
import { selectorsOf, selects } from './selectors.ts';

const pods: GroupVersionResource = { group: '', version: 'v1', resource: 'pods' };
const any: RuleWithOperations = { operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] };
const asking = (more: Partial<Asked> = {}): Asked => ({
  operation: 'CREATE',
  resource: pods,
  subresource: '',
  namespace: 'ns',
  ...more,
});
const namespaces = { group: '', version: 'v1', resource: 'namespaces' };

it.each<[Partial<RuleWithOperations>, Partial<Asked>, boolean]>([
  [{}, {}, true],
  [{ operations: ['UPDATE', 'CREATE'] }, {}, true],
  [{ operations: ['UPDATE'] }, {}, false],
  [{ apiGroups: ['apps'] }, {}, false],
  [{ apiGroups: [''] }, {}, true],
  [{ apiVersions: ['v2'] }, {}, false],
  [{ resources: [] }, {}, false],
  [{ resources: ['*'] }, { subresource: 'status' }, false],
  [{ resources: ['*/*'] }, { subresource: 'status' }, true],
  [{ resources: ['*/*'] }, {}, true],
  [{ resources: ['pods/*'] }, {}, true],
  [{ resources: ['pods/*'] }, { subresource: 'exec' }, true],
  [{ resources: ['*/exec'] }, { subresource: 'exec' }, true],
  [{ resources: ['*/exec'] }, {}, false],
  [{ resources: ['pods/'] }, {}, true],
  [{ scope: '*' }, { namespace: '' }, true],
  [{ scope: 'Namespaced' }, {}, true],
  [{ scope: 'Namespaced' }, { namespace: '' }, false],
  [{ scope: 'Cluster' }, {}, false],
  [{ scope: 'Cluster' }, { namespace: '' }, true],
  [{ scope: 'Cluster' }, { resource: namespaces }, true],
  [{ scope: 'Namespaced' }, { resource: namespaces }, false],
  [{ scope: 'Elsewhere' }, {}, false],
])('rule %j for %j: %s', (rule, asked, expected) =>
  expect(matchesRule({ ...any, ...rule }, asking(asked))).toBe(expected),
);

describe('equivalent forms', () => {
  const form = (group: string, version: string): Form => ({
    resource: { group, version, resource: 'things' },
    kind: { group, version, kind: 'Thing' },
    form: typedForm(typeOfKind('', 'v1', 'ConfigMap')!),
    read: (object) => ({ ...object, apiVersion: version }),
    write: (object) => ({ ...object, apiVersion: 'stored' }),
    decode: (document) => document as KubeObject,
  });
  const [v1, v2, other] = [form('g', 'v1'), form('g', 'v2'), form('h', 'v1')];
  const formsOf: FormsOf = () => ({ own: v2, equivalents: [v1, other] });
  const asked = asking({ resource: v2.resource });
  const naming = (...rules: [group: string, version: string][]) =>
    rules.map(([group, version]) => ({ ...any, apiGroups: [group], apiVersions: [version] }));

  it.each<[string, RuleWithOperations[], string, Form | undefined]>([
    ['its own is best', naming(['g', 'v1'], ['g', 'v2']), 'Equivalent', v2],
    ['another version', naming(['g', 'v1']), 'Equivalent', v1],
    ['another version is not exact', naming(['g', 'v1']), 'Exact', undefined],
    ['the earlier rule', naming(['h', '*'], ['g', 'v1']), 'Equivalent', other],
    ['none', naming(['x', '*']), 'Equivalent', undefined],
  ])('%s', (_, rules, policy, expected) => expect(findForm(rules, policy, asked, formsOf)).toBe(expected));

  it('is no match for rules that the caller does not want', () => {
    expect(findForm(naming(['g', 'v2']), 'Equivalent', asked, formsOf, () => false)).toBeUndefined();
  });

  it('brings changes along, and back to what is stored', async () => {
    const object = { apiVersion: 'stored', kind: 'Thing', metadata: { name: 'a' }, old: true };
    const objects = await VersionedObjects.of(request('CREATE', 'things.g', object), v1);
    expect(objects.object).toMatchObject({ apiVersion: 'v1', old: true });
    objects.replace({ apiVersion: 'v1', kind: 'Thing', metadata: { name: 'b' } });
    expect((await objects.convert(v2)).object).toEqual({ apiVersion: 'v2', kind: 'Thing', metadata: { name: 'b' } });
    objects.replace({ ...objects.object!, more: 1 });
    await objects.commit();
    expect(object).toEqual({ apiVersion: 'stored', kind: 'Thing', metadata: { name: 'b' }, more: 1 });
  });
});

describe('selectors', () => {
  const world = fakeWorld();
  world.objects.put('namespaces', active('ns', { labels: { env: 'test' } }));
  const labeled = (labels: Record<string, string>) => ({ metadata: { name: 'o', labels } });
  const test = { matchLabels: { env: 'test' } };
  const prod = { matchLabels: { env: 'prod' } };
  type Case = [
    string,
    Pick<MatchResources, 'namespaceSelector' | 'objectSelector'>,
    ReturnType<typeof request>,
    unknown,
  ];
  const pod = (more: object = {}) => request('CREATE', 'pods', labeled({ app: 'a' }), more);

  it.each<Case>([
    ['everything', {}, pod(), true],
    ['namespace', { namespaceSelector: test }, pod(), true],
    ['another namespace', { namespaceSelector: prod }, pod(), false],
    ['no namespace', { namespaceSelector: prod }, pod({ namespace: '' }), true],
    [
      'a namespace by its new labels',
      { namespaceSelector: prod },
      request('UPDATE', 'namespaces', labeled({ env: 'prod' }), { namespace: 'ns' }),
      true,
    ],
    [
      'a namespace that goes by the labels that it has',
      { namespaceSelector: test },
      request('DELETE', 'namespaces', undefined, { namespace: 'ns' }),
      true,
    ],
    ['object', { objectSelector: { matchLabels: { app: 'a' } } }, pod(), true],
    ['another object', { objectSelector: { matchLabels: { app: 'b' } } }, pod(), false],
    [
      'the object as it was',
      { objectSelector: { matchLabels: { app: 'b' } } },
      pod({ oldObject: labeled({ app: 'b' }) as KubeObject }),
      true,
    ],
    [
      'what has no labels',
      { objectSelector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] } },
      request('CONNECT', 'pods', { command: ['sh'] }),
      false,
    ],
    [
      'a namespace that is not there',
      { namespaceSelector: test },
      pod({ namespace: 'nope' }),
      'namespaces "nope" not found',
    ],
    [
      'a namespace that is not there does not matter to who is not asked',
      { namespaceSelector: test, objectSelector: prod },
      pod({ namespace: 'nope' }),
      false,
    ],
  ])('%s', async (_, { namespaceSelector = {}, objectSelector = {} }, asked, expected) => {
    const selectors = selectorsOf({ namespaceSelector, objectSelector });
    const outcome = selects(selectors, asked, asked.object, world.objects);
    if (typeof expected === 'string') await expect(outcome).rejects.toThrow(expected);
    else expect(await outcome).toBe(expected);
  });
});

it.each([
  ['admissionregistration.k8s.io', 'ValidatingAdmissionPolicyBinding', true],
  ['admissionregistration.k8s.io', 'Other', false],
  ['example.com', 'MutatingWebhookConfiguration', false],
])('%s %s configures admission: %s', (group, kind, expected) =>
  expect(configuresAdmission({ kind: { group, version: 'v1', kind } })).toBe(expected),
);
