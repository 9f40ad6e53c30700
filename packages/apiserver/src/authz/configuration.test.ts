import { describe, expect, it } from 'vitest';
import { authorizationConfiguration } from './configuration.ts';

const problemOf = (path: string) =>
  path === '/there' ? undefined : `error loading file: stat ${path}: no such file or directory`;
const read = (authorizers: unknown, required: Parameters<typeof authorizationConfiguration>[1] = []) => {
  const text = JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AuthorizationConfiguration',
    ...(authorizers === undefined ? {} : { authorizers }),
  });
  return authorizationConfiguration({ text, problemOf }, required);
};
const webhook = {
  timeout: '3s',
  subjectAccessReviewVersion: 'v1',
  failurePolicy: 'Deny',
  connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/there' },
};
const hook = (more: object = {}) => ({ type: 'Webhook', name: 'hook', webhook: { ...webhook, ...more } });

describe('a configuration', () => {
  it('is read, what is left out filled in', () => {
    const matchConditions = [{ expression: "request.user != 'x'" }];
    const conditions = { matchConditions, matchConditionSubjectAccessReviewVersion: 'v1' };
    expect(
      read([
        { type: 'Node', name: 'node' },
        hook({ ...conditions, cacheUnauthorizedRequests: false }),
        { ...hook({ authorizedTTL: '1m', unauthorizedTTL: '1s' }), name: 'second.example' },
      ]),
    ).toEqual([
      { type: 'Node', name: 'node' },
      {
        type: 'Webhook',
        name: 'hook',
        webhook: {
          authorizedTtlMs: 300_000,
          unauthorizedTtlMs: 0,
          timeoutMs: 3_000,
          version: 'v1',
          failurePolicy: 'Deny',
          kubeConfigFile: '/there',
          matchConditions: ["request.user != 'x'"],
        },
      },
      {
        type: 'Webhook',
        name: 'second.example',
        webhook: expect.objectContaining({ authorizedTtlMs: 60_000, unauthorizedTtlMs: 1_000 }),
      },
    ]);
  });

  it.each<[string, unknown, string]>([
    ['nobody', [], 'authorizers: Required value: at least one authorization mode must be defined'],
    ['no type', [{ name: 'x' }], 'authorizers[0].type: Required value'],
    [
      'another type',
      [{ type: 'Foo', name: 'foo' }],
      'authorizers[0].type: Unsupported value: "Foo": supported values: "ABAC", "AlwaysAllow", "AlwaysDeny", "Node", "RBAC", "Webhook"',
    ],
    [
      'a type twice',
      [
        { type: 'RBAC', name: 'rbac' },
        { type: 'RBAC', name: 'x' },
      ],
      'authorizers[1].type: Duplicate value: "RBAC"',
    ],
    ['no name', [{ ...hook(), name: '' }], 'authorizers[0].name: Required value'],
    ['a name twice', [hook(), hook()], 'authorizers[1].name: Duplicate value: "hook"'],
    [
      'no name of a domain',
      [{ ...hook(), name: 'Hook' }],
      `authorizers[0].name: Invalid value: "Hook": authorizer name is invalid: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
    ],
    ['another name', [{ type: 'RBAC', name: 'mine' }], 'expected name rbac for authorizer RBAC instead of mine'],
    [
      'no webhook',
      [{ type: 'Webhook', name: 'x' }],
      'authorizers[0].webhook: Required value: required when type=Webhook',
    ],
    [
      'a webhook too many',
      [{ type: 'RBAC', name: 'rbac', webhook: {} }],
      'authorizers[0].webhook: Invalid value: "non-null": may only be specified when type=Webhook',
    ],
    ['no timeout', [hook({ timeout: '0s' })], 'authorizers[0].timeout: Required value'],
    [
      'a long timeout',
      [hook({ timeout: '31s' })],
      'authorizers[0].timeout: Invalid value: "31s": must be > 0s and <= 30s',
    ],
    [
      'a negative time',
      [hook({ authorizedTTL: '-1s' })],
      'authorizers[0].authorizedTTL: Invalid value: "-1s": must be > 0s',
    ],
    [
      'another version',
      [hook({ subjectAccessReviewVersion: 'v2' })],
      'authorizers[0].subjectAccessReviewVersion: Unsupported value: "v2": supported values: "v1", "v1beta1"',
    ],
    ['no policy', [hook({ failurePolicy: '' })], 'authorizers[0].failurePolicy: Required value'],
    [
      'another policy',
      [hook({ failurePolicy: 'Ignore' })],
      'authorizers[0].failurePolicy: Unsupported value: "Ignore": supported values: "NoOpinion", "Deny"',
    ],
    ['no connection', [hook({ connectionInfo: {} })], 'authorizers[0].connectionInfo.type: Required value'],
    [
      'a relative path',
      [hook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: 'there' } })],
      'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "there": must be an absolute path',
    ],
    [
      'a missing file',
      [hook({ connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: '/gone' } })],
      'authorizers[0].connectionInfo.kubeConfigFile: Invalid value: "/gone": error loading file: stat /gone: no such file or directory',
    ],
    [
      'conditions without a version',
      [hook({ matchConditions: [{ expression: 'true' }] })],
      'authorizers[0].matchConditionSubjectAccessReviewVersion: Required value: required if match conditions are specified',
    ],
    [
      'conditions that are wrong',
      [
        hook({
          matchConditionSubjectAccessReviewVersion: 'v1',
          matchConditions: [
            { expression: ' ' },
            { expression: 'request.user' },
            { expression: 'request.user' },
            { expression: 'request.nope' },
          ],
        }),
      ],
      '[authorizers[0].matchConditions[0].expression: Required value, authorizers[0].matchConditions[1].expression: Invalid value: "request.user": must evaluate to bool but got string, authorizers[0].matchConditions[2].expression: Duplicate value: "request.user", authorizers[0].matchConditions[3].expression: Invalid value: "request.nope": compilation failed: ERROR: <input>:1:8: undefined field \'nope\'\n | request.nope\n | .......^]',
    ],
  ])('with %s is refused', (_, authorizers, message) => {
    expect(() => read(authorizers)).toThrow(expect.objectContaining({ message }));
  });

  it.each<[string, string]>([
    ['', 'authorizers: Required value: at least one authorization mode must be defined'],
    ['foo', 'failed to load AuthorizationConfiguration from file: the configuration must be an object'],
    [
      '{"apiVersion": "v1", "kind": "Pod"}',
      'failed to load AuthorizationConfiguration from file: no kind "Pod" is registered for version "v1"',
    ],
    [
      '{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration"}',
      'failed to load AuthorizationConfiguration from file: expected AuthorizationConfiguration, got *apiserver.AuthenticationConfiguration',
    ],
    [
      '{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration", "authorizers": [{"x": 1}]}',
      'failed to load AuthorizationConfiguration from file: strict decoding error: unknown field "authorizers[0].x"',
    ],
    [
      '{"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration", "zoo": 1, "alpha": 2, "authorizers": [{"wat": 1, "huh": 2}]}',
      'strict decoding error: unknown field "alpha", unknown field "authorizers[0].huh", unknown field "authorizers[0].wat", unknown field "zoo"',
    ],
    [
      'apiVersion: apiserver.config.k8s.io/v1\nkind: AuthorizationConfiguration\nkind: AuthorizationConfiguration\n',
      'strict decoding error: line 3: key "kind" already set in map',
    ],
  ])('that is none is refused: %j', (text, message) => {
    expect(() => authorizationConfiguration({ text, problemOf })).toThrow(message);
  });

  it('may not leave out what the server has started with, but for webhooks', () => {
    const authorizers = [{ type: 'RBAC', name: 'rbac' }];
    expect(() => read(authorizers, ['RBAC', 'Webhook'])).not.toThrow();
    expect(() => read(authorizers, ['RBAC', 'Node', 'ABAC'])).toThrow('missing required types: [ABAC Node]');
  });
});
