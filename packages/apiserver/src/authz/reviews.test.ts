import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '@keelson/api/generated/types/authorization/v1';
import { describe, expect, test } from 'vitest';
import type { Attributes, Authorize } from './attributes.ts';
import { alwaysAllow } from './chain.ts';
import { type ReviewContext, reviewAccess, reviewLocalAccess, reviewOwnAccess, reviewOwnRules } from './reviews.ts';
import { fieldRequirements } from './selectors.ts';

const ctx: ReviewContext = {
  user: { name: 'alice', uid: '', groups: [], extra: {} },
  namespace: 'ns',
  admit: async () => {},
};

/** Allows pods, denies secrets, fails otherwise; keeps what it was asked. */
function authorizer(): { authorize: Authorize; asked: Attributes[] } {
  const asked: Attributes[] = [];
  return {
    asked,
    authorize: (a) => {
      asked.push(a);
      if (a.resource === 'pods') return { decision: 'allow', reason: 'why' };
      if (a.resource === 'secrets') return { decision: 'deny', reason: '' };
      return { decision: 'no-opinion', reason: '', error: new Error('broken') };
    },
  };
}

const sar = (spec: object, metadata: object = {}) => ({ metadata, spec }) as SubjectAccessReview;

test.each([
  [
    { user: 'bob', resourceAttributes: { resource: 'pods' } },
    { allowed: true, reason: 'why' },
  ],
  [
    { groups: ['g'], resourceAttributes: { resource: 'secrets' } },
    { allowed: false, denied: true },
  ],
  [
    { user: 'bob', nonResourceAttributes: { path: '/x', verb: 'get' } },
    { allowed: false, evaluationError: 'broken' },
  ],
  [
    {
      user: 'bob',
      resourceAttributes: {
        resource: 'pods',
        fieldSelector: {
          requirements: [
            { key: 'a', operator: 'Exists' },
            { key: 'b', operator: 'In', values: ['c'] },
          ],
        },
        labelSelector: { requirements: [{ key: 'a', operator: 'New' }] },
      },
    },
    {
      allowed: true,
      reason: 'why',
      evaluationError:
        'spec.resourceAttributes.fieldSelector partially ignored due to parse error; spec.resourceAttributes.labelSelector ignored due to parse error',
    },
  ],
])('may he: %j', async (spec, status) => {
  expect((await reviewAccess(ctx, sar(spec), authorizer().authorize)).status).toEqual(status);
});

test('asks for the whole of it', async () => {
  const { authorize, asked } = authorizer();
  const resource = { namespace: 'n', verb: 'list', group: 'apps', resource: 'x', subresource: 'scale', name: 'y' };
  const fieldSelector = { rawSelector: 'spec.nodeName=n1' };
  const extra = { k: ['v'] };
  await reviewAccess(
    ctx,
    sar({ user: 'bob', uid: '7', groups: ['g'], extra, resourceAttributes: { ...resource, fieldSelector } }),
    authorize,
  );
  expect(asked[0]).toMatchObject({
    user: { name: 'bob', uid: '7', groups: ['g'], extra },
    isResourceRequest: true,
    apiGroup: 'apps',
    apiVersion: '*',
    subresource: 'scale',
    fieldSelector: { requirements: [{ field: 'spec.nodeName', operator: '=', value: 'n1' }] },
  });
});

describe('what is wrong with a review', () => {
  const HEAD = '.authorization.k8s.io "" is invalid: ';
  test.each([
    [
      sar({ user: 'a' }),
      'spec.resourceAttributes: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified',
    ],
    [
      sar({ user: 'a', resourceAttributes: {}, nonResourceAttributes: { path: '/x' } }),
      'spec.nonResourceAttributes: Invalid value: {"Path":"/x","Verb":""}: cannot be specified in combination with resourceAttributes',
    ],
    [sar({ resourceAttributes: {} }), 'spec.user: Invalid value: "": at least one of user or group must be specified'],
    [sar({ user: 'a', resourceAttributes: {} }, { name: 'x' }), 'metadata: Invalid value: {"name":"x"}: must be empty'],
    [
      sar({ user: 'a', resourceAttributes: { labelSelector: {} } }),
      'spec.resourceAttributes.labelSelector.requirements: Required value: when spec.resourceAttributes.labelSelector is specified, requirements or rawSelector is required',
    ],
    [
      sar({
        user: 'a',
        resourceAttributes: { fieldSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'New' }] } },
      }),
      'spec.resourceAttributes.fieldSelector.rawSelector: Invalid value: "a=b": may not specified at the same time as requirements',
    ],
    [
      sar({ user: 'a', resourceAttributes: { fieldSelector: { requirements: [{ key: '', operator: 'In' }] } } }),
      "[spec.resourceAttributes.fieldSelector.requirements[0].key: Required value: must be specified, spec.resourceAttributes.fieldSelector.requirements[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn']",
    ],
  ])('%#', async (review, message) => {
    const error = await reviewAccess(ctx, review, alwaysAllow.authorize).catch((e: Error) => e);
    expect(error).toMatchObject({ message: HEAD + message, code: 422 });
  });

  test('of one namespace', async () => {
    const local = (spec: object, namespace: string) =>
      reviewLocalAccess(ctx, { metadata: { namespace }, spec } as LocalSubjectAccessReview, alwaysAllow.authorize);
    const resourceAttributes = { namespace: 'ns', resource: 'pods' };
    await expect(local({ user: 'a', resourceAttributes }, 'other')).rejects.toThrow(
      'spec.resourceAttributes.namespace: Invalid value: "ns": must match metadata.namespace',
    );
    await expect(local({ user: 'a', nonResourceAttributes: { path: 'x' } }, 'ns')).rejects.toThrow(
      'spec.nonResourceAttributes: Invalid value: {"Path":"x","Verb":""}: disallowed on this kind of request',
    );
    expect((await local({ user: 'a', resourceAttributes }, 'ns')).status).toEqual({ allowed: true });
  });
});

test('may I, and what may I', async () => {
  const { authorize, asked } = authorizer();
  const own = { metadata: {}, spec: { resourceAttributes: { resource: 'pods' } } } as SelfSubjectAccessReview;
  expect((await reviewOwnAccess(ctx, own, authorize)).status.allowed).toBe(true);
  expect(asked[0]!.user.name).toBe('alice');
  const rules = { metadata: {}, spec: { namespace: 'ns' } } as SelfSubjectRulesReview;
  expect((await reviewOwnRules(ctx, rules, alwaysAllow)).status).toEqual({
    resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
    nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
    incomplete: false,
  });
  await expect(reviewOwnRules(ctx, { metadata: {}, spec: {} } as SelfSubjectRulesReview, alwaysAllow)).rejects.toThrow(
    'no namespace on request',
  );
});

test.each([
  [
    'a=b,c!=d,e==f',
    [
      ['a', '=', 'b'],
      ['c', '!=', 'd'],
      ['e', '=', 'f'],
    ],
  ],
  ['a=b\\,c\\=d', [['a', '=', 'b,c=d']]],
  ['a', undefined],
  ['a=b=c', undefined],
  ['a=\\x', undefined],
])('the field selector %s', (text, expected) => {
  const { requirements, parseError } = fieldRequirements(text);
  expect(requirements.map((r) => [r.field, r.operator, r.value])).toEqual(expected ?? []);
  expect(parseError === undefined).toBe(expected !== undefined);
});
