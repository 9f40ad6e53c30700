import type {
  MutatingAdmissionPolicyBindingSpec,
  MutatingAdmissionPolicySpec,
  ValidatingAdmissionPolicyBindingSpec,
  ValidatingAdmissionPolicySpec,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { KubeObject } from '@keelson/api/object';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, it } from 'vitest';
import type { Authorize } from '../../authz/attributes.ts';
import { type IsEnabled, isEnabledByDefault } from '../../gates.ts';
import { AdmissionChain } from '../chain.ts';
import { AdmissionMetrics } from '../metrics.ts';
import type { AdmissionAttributes, Operation } from '../plugin.ts';
import { type FakeAttributes, fakeWorld, request } from '../testing.ts';
import { mutatingAdmissionPolicy } from './mutating.ts';
import { Mutator } from './mutator.ts';
import type { ParamSource, ParamsOf } from './params.ts';
import { Policies } from './policies.ts';
import { validatingAdmissionPolicy } from './validating.ts';
import { Validator } from './validator.ts';

const everything = {
  resourceRules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }],
  namespaceSelector: {},
  objectSelector: {},
  matchPolicy: 'Equivalent',
};

const LIMITS = [
  { kind: 'Limit', apiVersion: 'g/v1', metadata: { name: 'low', namespace: 'ns', labels: { tier: 'a' } }, max: 1 },
  { kind: 'Limit', apiVersion: 'g/v1', metadata: { name: 'high', namespace: 'ns', labels: { tier: 'a' } }, max: 9 },
  { kind: 'Limit', apiVersion: 'g/v1', metadata: { name: 'far', namespace: 'other' }, max: 0 },
];

/** Limits are namespaced, Classes are not; there is nothing else. */
const paramsOf: ParamsOf = (_group, _version, kind) => {
  if (kind !== 'Limit' && kind !== 'Class') return undefined;
  const source: ParamSource = {
    namespaced: kind === 'Limit',
    get: async (namespace, name) => LIMITS.find((l) => l.metadata.namespace === namespace && l.metadata.name === name),
    list: async (namespace) => LIMITS.filter((l) => l.metadata.namespace === namespace),
  };
  return source;
};

interface Setup {
  readonly authorize?: Authorize;
}

function validating(
  spec: ValidatingAdmissionPolicySpec,
  bindings: readonly ValidatingAdmissionPolicyBindingSpec[] = [{}],
  { authorize }: Setup = {},
): AdmissionChain {
  const world = fakeWorld(authorize);
  const metrics = new AdmissionMetrics(new MetricsRegistry(), () => 0);
  const policies = new Policies((policy: ConstructorParameters<typeof Validator>[0]) => new Validator(policy, metrics));
  policies.policies.set(named('p', { matchConstraints: everything, failurePolicy: 'Fail', ...spec }));
  for (const [i, binding] of bindings.entries())
    policies.bindings.set(named(`b${i}`, { policyName: 'p', validationActions: ['Deny'], ...binding }));
  return new AdmissionChain([validatingAdmissionPolicy({ world, policies, paramsOf, metrics })]);
}

function mutating(
  specs: readonly MutatingAdmissionPolicySpec[],
  binding: MutatingAdmissionPolicyBindingSpec = {},
  isEnabled: IsEnabled = isEnabledByDefault,
): AdmissionChain {
  const world = { ...fakeWorld(), isEnabled };
  const metrics = new AdmissionMetrics(new MetricsRegistry(), () => 0);
  const policies = new Policies((policy: ConstructorParameters<typeof Mutator>[0]) => new Mutator(policy, metrics));
  for (const [i, spec] of specs.entries()) {
    const name = `p${i}`;
    policies.policies.set(named(name, { matchConstraints: everything, failurePolicy: 'Fail', ...spec }));
    policies.bindings.set(named(`b${i}`, { policyName: name, ...binding }));
  }
  return new AdmissionChain([mutatingAdmissionPolicy({ world, policies, paramsOf, metrics })]);
}

function named(name: string, spec: object): KubeObject {
  return { kind: '', apiVersion: '', metadata: { name }, spec };
}

function asking(operation: Operation = 'CREATE', more: Partial<AdmissionAttributes> = {}): FakeAttributes {
  const object = { kind: 'Thing', apiVersion: 'v1', metadata: { name: 'a' }, data: { x: '1' } };
  return request(operation, 'things', operation === 'DELETE' ? undefined : object, { name: 'a', ...more });
}

const rule = (expression: string, more: object = {}) => ({ validations: [{ expression, ...more }] });
const DENIED = `things "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b0' denied request: `;

describe('what validations see', () => {
  it.each([
    "object.data.x == '1' && object.kind == 'Thing'",
    'oldObject == null',
    "request.operation == 'CREATE' && request.name == 'a' && request.namespace == 'ns'",
    "request.resource.resource == 'things' && request.requestKind.kind == 'Thing'",
    '!has(request.subResource)',
    "request.userInfo.username == 'alice' && 'devs' in request.userInfo.groups && !has(request.userInfo.extra)",
    "namespaceObject.metadata.name == 'ns' && namespaceObject.status.phase == 'Active'",
    "authorizer.group('').resource('pods').check('get').allowed()",
    "authorizer.requestResource.check('create').allowed()",
  ])('%s', async (expression) => {
    await validating(rule(expression)).validate(asking());
  });

  it('waits for who decides', async () => {
    const authorize: Authorize = async ({ verb, user }) =>
      verb === 'fly' ? { decision: 'deny', reason: `${user.name} has no wings` } : { decision: 'allow', reason: '' };
    const chain = validating(
      rule("authorizer.requestResource.check('create').allowed() && authorizer.requestResource.check('fly').allowed()"),
      [{}],
      { authorize },
    );
    await expect(chain.validate(asking())).rejects.toMatchObject({ code: 422 });
  });

  it('shows what is deleted as it was', async () => {
    const oldObject = { kind: 'Thing', apiVersion: 'v1', metadata: { name: 'a' }, data: { x: '2' } };
    const chain = validating(rule("object == null && oldObject.data.x == '1'"));
    await expect(chain.validate(asking('DELETE', { oldObject }))).rejects.toMatchObject({ code: 422 });
  });
});

describe('denials', () => {
  it.each<[string, ValidatingAdmissionPolicySpec, object]>([
    [
      'by the expression',
      rule("  object.data.x == '2'"),
      { code: 422, reason: 'Invalid', message: `${DENIED}failed expression: object.data.x == '2'` },
    ],
    ['by a message', rule('false', { message: ' no ' }), { message: `${DENIED}no` }],
    ['403', rule('false', { reason: 'Forbidden' }), { code: 403, reason: 'Forbidden' }],
    ['413', rule('false', { reason: 'RequestEntityTooLarge' }), { code: 413, reason: 'RequestEntityTooLarge' }],
    ['401', rule('false', { reason: 'Unauthorized' }), { code: 401, reason: 'Unauthorized' }],
    [
      'by what a message evaluates to',
      rule('false', { messageExpression: "'x is ' + object.data.x", message: 'm' }),
      { message: `${DENIED}x is 1` },
    ],
    [
      'by the message, where its expression fails',
      rule('false', { messageExpression: 'object.data.none', message: 'm' }),
      { message: `${DENIED}m` },
    ],
    [
      'by the message, where the other has lines',
      rule('false', { messageExpression: "'a\\nb'", message: 'm' }),
      { message: `${DENIED}m` },
    ],
    [
      'the first of two',
      {
        validations: [
          { expression: 'false', message: 'one' },
          { expression: 'false', message: 'two' },
        ],
      },
      { message: `${DENIED}one` },
    ],
    [
      'what has no value',
      rule("object.data.y == '1'"),
      { message: `${DENIED}expression 'object.data.y == '1'' resulted in error: no such key: y` },
    ],
    [
      'what does not compile any more',
      rule('nope'),
      {
        message: `${DENIED}compilation error: compilation failed: ERROR: <input>:1:1: undeclared reference to 'nope' (in container '')\n | nope\n | ^`,
      },
    ],
    [
      'variables',
      {
        variables: [
          { name: 'x', expression: 'object.data.x' },
          { name: 'y', expression: "variables.x + '!'" },
        ],
        ...rule("variables.y == ''", { messageExpression: 'variables.y' }),
      },
      { message: `${DENIED}1!` },
    ],
    [
      'a variable that has no value',
      { variables: [{ name: 'y', expression: 'object.data.y' }], ...rule("variables.y == ''") },
      {
        message: `${DENIED}expression 'variables.y == ''' resulted in error: composited variable "y" fails to evaluate: no such key: y`,
      },
    ],
    [
      'an audit annotation that has no value',
      { auditAnnotations: [{ key: 'k', valueExpression: "'v' + object.data.y" }] },
      { message: `${DENIED}expression ''v' + object.data.y' resulted in error: no such key: y` },
    ],
    [
      'conditions that have no value',
      {
        matchConditions: [
          { name: 'a', expression: "object.data.y == ''" },
          { name: 'b', expression: "object.data.z == ''" },
        ],
        ...rule('true'),
      },
      {
        message: `${DENIED}[expression 'object.data.y == ''' resulted in error: no such key: y, expression 'object.data.z == ''' resulted in error: no such key: z]`,
      },
    ],
  ])('%s', async (_, spec, expected) => {
    await expect(validating(spec).validate(asking())).rejects.toMatchObject(expected);
  });

  it.each<[string, ValidatingAdmissionPolicySpec]>([
    ['an unused variable', { variables: [{ name: 'y', expression: 'object.data.y' }], ...rule('true') }],
    ['an error that does not matter', { failurePolicy: 'Ignore', ...rule('object.data.y == 1') }],
    ['a condition that is false', { matchConditions: [{ name: 'a', expression: 'false' }], ...rule('false') }],
    [
      'a condition that is false, another without value',
      {
        matchConditions: [
          { name: 'a', expression: 'object.data.y == 1' },
          { name: 'b', expression: 'false' },
        ],
        ...rule('false'),
      },
    ],
    [
      'a name that is left out',
      {
        matchConstraints: {
          ...everything,
          excludeResourceRules: [{ ...everything.resourceRules[0]!, resourceNames: ['a'] }],
        },
        ...rule('false'),
      },
    ],
    [
      'another name',
      {
        matchConstraints: { ...everything, resourceRules: [{ ...everything.resourceRules[0]!, resourceNames: ['b'] }] },
        ...rule('false'),
      },
    ],
  ])('none for %s', async (_, spec) => {
    await validating(spec).validate(asking());
  });

  it('are warned of, or noted, where the binding says so', async () => {
    const asked = asking();
    await validating(rule('false', { message: 'no' }), [{ validationActions: ['Warn', 'Audit'] }]).validate(asked);
    expect(asked.warnings).toEqual([`Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b0': no`]);
    expect(asked.annotations).toEqual({
      'validation.policy.admission.k8s.io/validation_failure':
        '[{"message":"no","policy":"p","binding":"b0","expressionIndex":0,"validationActions":["Warn","Audit"]}]',
    });
  });

  it('leave annotations behind, those of several bindings joined', async () => {
    const asked = asking();
    const spec = { auditAnnotations: [{ key: 'k', valueExpression: "'v' + string(params.max)" }], paramKind: limit };
    const paramRef = { selector: {}, parameterNotFoundAction: 'Deny' };
    await validating(spec, [{ paramRef }, { paramRef }]).validate(asked);
    expect(asked.annotations).toEqual({ 'p/k': 'v1, v9' });
  });
});

const limit = { apiVersion: 'g/v1', kind: 'Limit' };
describe('parameters', () => {
  const spec: ValidatingAdmissionPolicySpec = {
    paramKind: limit,
    ...rule('params == null || int(object.data.x) < params.max', {
      messageExpression: "params.metadata.name + ' is over'",
    }),
  };
  const deny = { parameterNotFoundAction: 'Deny' };
  const binding = `ValidatingAdmissionPolicy 'p' with binding 'b0' denied request: failed to configure binding: `;

  it.each<[string, ValidatingAdmissionPolicyBindingSpec['paramRef'], Partial<AdmissionAttributes>, string | undefined]>(
    [
      ['by name', { name: 'low', ...deny }, {}, 'low is over'],
      ['by name, met', { name: 'high', ...deny }, {}, undefined],
      ['of another namespace', { name: 'far', namespace: 'other', ...deny }, {}, 'far is over'],
      ['by label', { selector: { matchLabels: { tier: 'a' } }, ...deny }, {}, 'low is over'],
      ['none meant', undefined, {}, undefined],
      [
        'none found',
        { name: 'no', ...deny },
        {},
        'no params found for policy binding with `Deny` parameterNotFoundAction',
      ],
      ['none found, which is fine', { name: 'no', parameterNotFoundAction: 'Allow' }, {}, undefined],
      [
        'of no namespace',
        { name: 'low', ...deny },
        { namespace: '' },
        `${binding}cannot use namespaced paramRef in policy binding that matches cluster-scoped resources`,
      ],
    ],
  )('%s', async (_, paramRef, more, expected) => {
    const outcome = validating(spec, [paramRef ? { paramRef } : {}]).validate(asking('CREATE', more));
    if (expected === undefined) await outcome;
    else await expect(outcome).rejects.toThrow(expected);
  });

  it('of a kind that nobody serves', async () => {
    const paramKind = { apiVersion: 'v1', kind: 'Nope' };
    const message = `ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: '/v1, Kind=Nope'`;
    await expect(validating({ ...spec, paramKind }).validate(asking())).rejects.toThrow(message);
    await validating({ ...spec, paramKind, failurePolicy: 'Ignore' }).validate(asking());
  });

  it('of a kind that is in no namespace', async () => {
    const paramKind = { apiVersion: 'g/v1', kind: 'Class' };
    const outcome = validating({ ...spec, paramKind }, [{ paramRef: { name: 'a', namespace: 'x', ...deny } }]);
    await expect(outcome.validate(asking())).rejects.toThrow(
      'paramRef.namespace must not be provided for a cluster-scoped `paramKind`',
    );
  });
});

it.each(['selfsubjectaccessreviews.authorization.k8s.io', 'mutatingadmissionpolicies.admissionregistration.k8s.io'])(
  'never sees %s',
  async (resource) => {
    await validating(rule('false')).validate(request('CREATE', resource, { metadata: {} }));
  },
);

it('forgets policies without bindings, and bindings without policies', async () => {
  const policies = new Policies(() => 0);
  const asked = asking();
  const found = () =>
    policies.matching(asked, fakeWorld().formsOf).map(({ name, bindings }) => [name, bindings.length]);
  policies.policies.set(named('b', { matchConstraints: everything }));
  policies.bindings.set(named('1', { policyName: 'b' }));
  policies.bindings.set(named('2', { policyName: 'a' }));
  policies.bindings.set(named('3', { policyName: 'b' }));
  expect(found()).toEqual([['b', 2]]);
  policies.policies.set(named('a', { matchConstraints: everything }));
  expect(found()).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
  policies.bindings.delete('', '1');
  policies.bindings.delete('', '3');
  expect(found()).toEqual([['a', 1]]);
  policies.policies.delete('', 'a');
  policies.policies.delete('', 'b');
  expect(policies.empty).toBe(true);
});

const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } });
const patch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } });
const addY = patch('[JSONPatch{op: "add", path: "/data/y", value: object.data.x + "!"}]');
const REFUSED = "policy 'p0' with binding 'b0' denied request: ";

describe('mutations', () => {
  it.each<[string, MutatingAdmissionPolicySpec, object]>([
    ['a patch', { mutations: [addY] }, { data: { x: '1', y: '1!' } }],
    ['a configuration', { mutations: [apply('Object{data: {"y": "2"}}')] }, { data: { x: '1', y: '2' } }],
    [
      'one after the other',
      { mutations: [addY, apply('Object{data: Object.data{z: object.data.y}}')] },
      { data: { x: '1', y: '1!', z: '1!' } },
    ],
    [
      'a failed test',
      {
        mutations: [
          patch('[JSONPatch{op: "test", path: "/data/x", value: "2"}, JSONPatch{op: "remove", path: "/data"}]'),
        ],
      },
      { data: { x: '1' } },
    ],
    [
      'objects in patches',
      { mutations: [patch('[JSONPatch{op: "add", path: "/spec", value: Object.spec{a: Object.spec.a{b: 1}}}]')] },
      { spec: { a: { b: 1 } } },
    ],
    [
      'escaped keys',
      { mutations: [patch('[JSONPatch{op: "add", path: "/data/" + jsonpatch.escapeKey("a/b~c"), value: "v"}]')] },
      { data: { x: '1', 'a/b~c': 'v' } },
    ],
    [
      'parameters, variables and the namespace',
      {
        paramKind: limit,
        variables: [{ name: 'm', expression: 'string(params.max)' }],
        mutations: [apply('Object{data: {"y": variables.m + namespaceObject.metadata.name}}')],
      },
      { data: { x: '1', y: '9ns' } },
    ],
    [
      'an error that does not matter',
      { failurePolicy: 'Ignore', mutations: [apply('Object{data: {"y": object.data.no}}'), addY] },
      { data: { x: '1', y: '1!' } },
    ],
    ['a condition', { matchConditions: [{ name: 'a', expression: 'false' }], mutations: [addY] }, { data: { x: '1' } }],
  ])('%s', async (_, spec, expected) => {
    const asked = asking();
    await mutating([spec], { paramRef: { name: 'high', parameterNotFoundAction: 'Deny' } }).mutate(asked);
    expect(asked.object).toMatchObject(expected);
  });

  it.each<[string, MutatingAdmissionPolicySpec, string]>([
    [
      'no value',
      { mutations: [apply('Object{data: object.no}')] },
      "expression 'Object{data: object.no}' resulted in error: no such key: no",
    ],
    [
      'an operation that does not apply',
      { mutations: [patch('[JSONPatch{op: "remove", path: "/data/no"}]')] },
      "JSON Patch: error in remove for path: '/data/no': Unable to remove nonexistent key: no: missing value",
    ],
    [
      'a type out of place',
      { mutations: [apply('Object{data: Object.spec{x: "1"}}')] },
      'type mismatch: unexpected type name "Object.spec", expected "Object.data", which matches field name path from root Object type',
    ],
    [
      'a condition without value',
      { matchConditions: [{ name: 'a', expression: 'object.no == 1' }], mutations: [addY] },
      "expression 'object.no == 1' resulted in error: no such key: no",
    ],
  ])('fail: %s', async (_, spec, expected) => {
    const message = `${REFUSED}${expected}`;
    await expect(mutating([spec]).mutate(asking())).rejects.toMatchObject({
      code: 403,
      reason: 'Invalid',
      message,
      details: { causes: [{ message }] },
    });
  });

  it('change nothing without the gate', async () => {
    const spec = { mutations: [patch('[JSONPatch{op: "frob", path: ""}]')] };
    await mutating([spec], {}, (gate) => gate !== 'MutatingAdmissionPolicy').mutate(asking());
    await expect(mutating([spec]).mutate(asking())).rejects.toThrow();
  });

  it('leave deletions alone', async () => {
    await mutating([{ mutations: [patch('[JSONPatch{op: "frob", path: ""}]')] }]).mutate(asking('DELETE'));
  });

  it.each([
    ['Never', '1!'],
    ['IfNeeded', '2!'],
  ])('run again: %s', async (reinvocationPolicy, expected) => {
    const asked = asking();
    const later = patch('[JSONPatch{op: "replace", path: "/data/x", value: "2"}]');
    await mutating([{ reinvocationPolicy, mutations: [addY] }, { mutations: [later] }]).mutate(asked);
    expect(asked.object).toMatchObject({ data: { x: '2', y: expected } });
    expect(asked.round.number).toBe(1);
  });
});
