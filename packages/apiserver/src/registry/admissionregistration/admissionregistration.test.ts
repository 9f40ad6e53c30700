import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicySpec,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingWebhook,
} from '@keelson/api/generated/types/admissionregistration/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../testing.ts';
import type { Expression } from './expressions.ts';
import { makeMutatingAdmissionPolicyRegistration } from './mutatingadmissionpolicy/index.ts';
import { makeValidatingAdmissionPolicyRegistration } from './validatingadmissionpolicy/index.ts';
import { registration as binding } from './validatingadmissionpolicybinding/index.ts';
import { makeValidatingWebhookConfigurationRegistration } from './validatingwebhookconfiguration/index.ts';

const ctx = testContext();
const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] };

describe('webhooks', () => {
  const { strategy, table } = makeValidatingWebhookConfigurationRegistration();
  const make = (...webhooks: Partial<ValidatingWebhook>[]) => ({
    metadata: { name: 'w' },
    webhooks: webhooks.map((hook) => ({
      name: 'w.example.com',
      clientConfig: { url: 'https://h/' },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      ...hook,
    })),
  });
  const url = (text: string) => ({ clientConfig: { url: text } });
  const resources = (...names: string[]) => ({ rules: [{ ...rule, resources: names }] });
  const form = '; desired format: https://host[/path]';

  it.each<[Partial<ValidatingWebhook>, string[]]>([
    [{}, []],
    [{ sideEffects: 'Some' }, ['sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"']],
    [{ timeoutSeconds: 31 }, ['timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds']],
    [url('http://h'), [`clientConfig.url: Invalid value: "http": 'https' is the only allowed URL scheme${form}`]],
    [
      url('https://h:x'),
      [
        'clientConfig.url: Required value: url must be a valid URL: parse "https://h:x": invalid port ":x" after host' +
          form,
      ],
    ],
    [
      { clientConfig: { service: { namespace: '', name: 'n', port: 443 } } },
      ['clientConfig.service.name: Required value'],
    ],
    [
      resources('x/*', 'x/y'),
      [`rules[0].resources[1]: Invalid value: "x/y": if 'x/*' is present, must not specify x/y`],
    ],
    [
      resources('*', 'pods'),
      [
        `rules[0].resources: Invalid value: ["*","pods"]: if '*' is present, must not specify other resources without subresources`,
      ],
    ],
    // Upstream looks at the last of them alone.
    [resources('pods', '*'), []],
  ])('%j', (hook, expected) =>
    expect(texts(strategy.validate?.(ctx, make(hook)))).toEqual(expected.map((text) => `webhooks[0].${text}`)),
  );

  it('lets an update keep what was wrong before', () => {
    const old = make({ sideEffects: 'Some' }, { admissionReviewVersions: ['v9'] });
    expect(texts(strategy.validateUpdate?.(ctx, structuredClone(old), old))).toEqual([]);
    expect(texts(strategy.validate?.(ctx, old))).toHaveLength(3);
  });

  it('fills in what is left out, and counts webhooks', () => {
    const obj = make({ rules: [{ ...rule }] });
    strategy.defaults?.(obj, 'v1');
    expect(obj.webhooks[0]).toMatchObject({
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      timeoutSeconds: 10,
      rules: [{ scope: '*' }],
    });
    expect(table?.row(obj).cells).toEqual(['w', 1, '<unknown>']);
  });
});

describe('policies', () => {
  const match = { matchPolicy: 'Exact', namespaceSelector: {}, objectSelector: {}, resourceRules: [rule] };
  const policy = (spec: Partial<ValidatingAdmissionPolicy['spec']>): ValidatingAdmissionPolicy => ({
    metadata: { name: 'p', generation: 1 },
    spec: { failurePolicy: 'Fail', matchConstraints: match, validations: [{ expression: 'true' }], ...spec },
    status: {},
  });
  const mutating = (spec: Partial<MutatingAdmissionPolicySpec>): MutatingAdmissionPolicy => ({
    metadata: { name: 'p' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: match,
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: '[]' } }],
      ...spec,
    },
  });

  it.each<[Partial<ValidatingAdmissionPolicy['spec']>, string[]]>([
    [{}, []],
    [
      { paramKind: { apiVersion: 'a/b/c', kind: 'X' } },
      ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c'],
    ],
    [
      { variables: [{ name: 'in', expression: ' ' }] },
      [
        'spec.variables[0].name: Invalid value: "in": must be a valid CEL identifier',
        'spec.variables[0].expression: Required value: expression is not specified',
      ],
    ],
    [
      { validations: [{ expression: 'true', message: 'a\nb' }] },
      ['spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks'],
    ],
    [
      { matchConditions: ['a', 'a'].map((name) => ({ name, expression: 'true' })) },
      ['spec.matchConditions[1].name: Duplicate value: "a"'],
    ],
  ])('validating: %j', (spec, expected) => {
    const { strategy } = makeValidatingAdmissionPolicyRegistration();
    expect(texts(strategy.validate?.(ctx, policy(spec)))).toEqual(expected);
  });

  it.each<[Partial<MutatingAdmissionPolicySpec>, string[]]>([
    [{}, []],
    [
      { mutations: [{ patchType: 'JSONPatch', applyConfiguration: {} }] },
      [
        'spec.mutations[0].jsonPatch: Required value: must be specified when patchType is JSONPatch',
        'spec.mutations[0].applyConfiguration: Invalid value: "{applyConfiguration}": must not be specified when patchType is JSONPatch',
      ],
    ],
    [
      { matchConstraints: { ...match, resourceRules: [{ ...rule, operations: ['DELETE'] }] } },
      [
        'spec.matchConstraints.resourceRules.operations: Unsupported value: "DELETE": supported values: "*", "CONNECT", "CREATE", "UPDATE"',
      ],
    ],
  ])('mutating: %j', (spec, expected) => {
    const { strategy } = makeMutatingAdmissionPolicyRegistration();
    expect(texts(strategy.validate?.(ctx, mutating(spec)))).toEqual(expected);
  });

  it('asks the compiler about every expression', () => {
    const asked: Expression[] = [];
    const { strategy } = makeValidatingAdmissionPolicyRegistration((expression) => {
      asked.push(expression);
      return expression.text === 'bad' ? { type: 'invalid', detail: 'no' } : undefined;
    });
    const old = policy({});
    const obj = policy({
      variables: [
        { name: 'a', expression: '1' },
        { name: 'b', expression: '' },
      ],
      validations: [{ expression: 'true', messageExpression: 'bad' }],
    });
    expect(texts(strategy.validateUpdate?.(ctx, obj, old))).toEqual([
      'spec.variables[1].expression: Required value: expression is not specified',
      'spec.validations[0].messageExpression: Invalid value: "bad": no',
    ]);
    expect(asked.map((e) => [e.role, e.isStored, e.hasAuthorizer, e.variables?.length ?? 0])).toEqual([
      ['variable', false, true, 0],
      ['validation', true, true, 1],
      ['messageExpression', false, false, 1],
    ]);
  });

  it('counts up the generation when the spec changes, not for the status', () => {
    const { strategy } = makeValidatingAdmissionPolicyRegistration();
    const same = { ...policy({}), status: { observedGeneration: 1 } };
    strategy.prepareForUpdate?.(ctx, same, policy({}));
    expect([same.metadata.generation, same.status]).toEqual([1, {}]);
    const changed = policy({ failurePolicy: 'Ignore' });
    strategy.prepareForUpdate?.(ctx, changed, policy({}));
    expect(changed.metadata.generation).toBe(2);
  });
});

describe('bindings', () => {
  const make = (paramRef?: ParamRef, validationActions = ['Deny']): ValidatingAdmissionPolicyBinding => ({
    metadata: { name: 'b' },
    spec: { policyName: 'p', validationActions, ...(paramRef && { paramRef }) },
  });
  it.each<[ParamRef | undefined, string[] | undefined, string[]]>([
    [undefined, ['Audit', 'Audit'], ['spec.validationActions[1]: Duplicate value: "Audit"']],
    [undefined, [], ['spec.validationActions: Required value: at least one validation action is required']],
    [
      { name: 'a', selector: {}, parameterNotFoundAction: 'Deny' },
      undefined,
      [
        'spec.paramRef.name: Forbidden: name and selector are mutually exclusive',
        'spec.paramRef.selector: Forbidden: name and selector are mutually exclusive',
      ],
    ],
  ])('%j %j', (paramRef, actions, expected) =>
    expect(texts(binding.strategy.validate?.(ctx, make(paramRef, actions)))).toEqual(expected),
  );

  it.each<[ParamRef | undefined, string]>([
    [undefined, '<unset>'],
    [{ name: 'a' }, '*/a'],
    [{ name: 'a', namespace: 'n' }, 'n/a'],
    [
      { selector: { matchLabels: { a: 'b' }, matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }] } },
      '&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}',
    ],
  ])('shows %j', (paramRef, expected) => expect(binding.table?.row(make(paramRef)).cells[2]).toBe(expected));
});
