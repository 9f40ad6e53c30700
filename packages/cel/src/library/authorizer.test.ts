import { describe, expect, test } from 'vitest';
import {
  type AuthorizationQuery,
  AuthorizerType,
  authorizerValue,
  compile,
  type Decide,
  environment,
  opaque,
  Pending,
  ResourceCheckType,
  resourceCheckValue,
  settled,
} from '../index.ts';

const env = environment({
  variables: { authorizer: opaque(AuthorizerType), 'authorizer.requestResource': opaque(ResourceCheckType) },
});
const NOTHING = { subresource: '', namespace: '', name: '', fieldSelector: '', labelSelector: '' };

function program(text: string) {
  const compiled = compile(env, text);
  if (compiled.issues) throw new Error(compiled.issues.message);
  return compiled.program();
}

function variables(decide: Decide) {
  const authorizer = authorizerValue(decide);
  const asked = { group: 'apps', resource: 'deployments', subresource: '', namespace: 'ns', name: 'x' };
  return { authorizer, 'authorizer.requestResource': resourceCheckValue(authorizer, asked) };
}

describe('what is asked', () => {
  test.each<[string, AuthorizationQuery]>([
    ["authorizer.path('/healthz').check('get').allowed()", { verb: 'get', path: '/healthz' }],
    [
      "authorizer.group('').resource('pods').subresource('log').namespace('a').name('b').check('get').allowed()",
      {
        verb: 'get',
        resource: { ...NOTHING, group: '', resource: 'pods', subresource: 'log', namespace: 'a', name: 'b' },
      },
    ],
    [
      "authorizer.group('apps').resource('deployments').fieldSelector('a=b').labelSelector('c').check('list').allowed()",
      {
        verb: 'list',
        resource: { ...NOTHING, group: 'apps', resource: 'deployments', fieldSelector: 'a=b', labelSelector: 'c' },
      },
    ],
    [
      "authorizer.serviceAccount('ns', 'sa').path('/x').check('get').allowed()",
      { serviceAccount: { namespace: 'ns', name: 'sa' }, verb: 'get', path: '/x' },
    ],
    [
      "authorizer.requestResource.check('update').allowed()",
      { verb: 'update', resource: { ...NOTHING, group: 'apps', resource: 'deployments', namespace: 'ns', name: 'x' } },
    ],
  ])('%s', (text, query) => {
    const asked: AuthorizationQuery[] = [];
    const decide: Decide = (question) => {
      asked.push(question);
      return { allowed: true, reason: 'so' };
    };
    expect(program(text).evaluate(variables(decide)).value).toBe(true);
    expect(asked).toEqual([query]);
  });
});

test('an answer that takes time is waited for, and asked for once', async () => {
  let asked = 0;
  const decide: Decide = async ({ verb }) => {
    asked++;
    return { allowed: verb === 'get', reason: `for ${verb}` };
  };
  const activation = variables(decide);
  const check = (verb: string) => `authorizer.path('/x').check('${verb}')`;
  const running = program(`${check('put')}.allowed() || ${check('get')}.reason() == 'for get'`);
  expect(() => running.evaluate(activation)).toThrow(Pending);
  const { value, cost } = await settled(() => running.evaluate(activation));
  expect([value, asked]).toEqual([true, 2]);
  expect(cost).toBeGreaterThan(700_000);
});

test('an expression may check twice, not three times', () => {
  const decide: Decide = () => ({ allowed: false, reason: '', error: 'broken' });
  const check = "authorizer.path('/x').check('get').errored()";
  expect(program(`${check} && ${check}`).evaluate(variables(decide)).value).toBe(true);
  expect(() => program(`${check} && ${check} && ${check}`).evaluate(variables(decide))).toThrow('cost limit exceeded');
});
