import type { Variable } from '@keelson/api/generated/types/admissionregistration/v1';
import { describe, expect, it } from 'vitest';
import type { Expression } from '../../registry/admissionregistration/expressions.ts';
import { compileForValidation } from './compiler.ts';

const VARIABLES: Variable[] = [
  { name: 'x', expression: 'object.data.x' },
  { name: 'list', expression: '[1, 2]' },
  { name: 'kind', expression: 'request.kind' },
  { name: 'broken', expression: 'nope' },
];
const COMPILED = 'compilation failed: ERROR: <input>:';

function problem(role: Expression['role'], text: string, more: Partial<Expression> = {}): string | undefined {
  const hasAuthorizer = role !== 'messageExpression';
  return compileForValidation({ role, text, hasParams: false, hasAuthorizer, isStored: false, ...more })?.detail;
}
const undeclared = (name: string, text = name, at = 1) =>
  `${COMPILED}1:${at}: undeclared reference to '${name}' (in container '')\n | ${text}\n | ${'.'.repeat(at - 1)}^`;

describe('what an expression must evaluate to', () => {
  it.each<[Expression['role'], string, string | undefined]>([
    ['validation', 'object.data.x', 'must evaluate to bool but got dyn'],
    ['validation', "'a'", 'must evaluate to bool but got string'],
    ['validation', "object.data.x == 'a'", undefined],
    ['matchCondition', '1', 'must evaluate to bool but got int'],
    ['messageExpression', 'true', 'must evaluate to string but got bool'],
    ['auditAnnotation', '1', 'must evaluate to one of [string null_type] but got int'],
    ['auditAnnotation', 'null', undefined],
    ['variable', 'request.userInfo', undefined],
    ['applyConfiguration', 'object', 'must evaluate to Object but got dyn'],
    ['applyConfiguration', 'Object.spec{}', 'must evaluate to Object but got Object.spec'],
    ['applyConfiguration', 'Object{spec: Object.spec{replicas: 1}}', undefined],
    ['jsonPatch', '[]', 'must evaluate to list(JSONPatch) but got list(dyn)'],
    ['jsonPatch', "[JSONPatch{op: 'add', path: '/a', value: 1}]", undefined],
  ])('%s %s', (role, text, expected) => expect(problem(role, text)).toBe(expected));
});

describe('what an expression may name', () => {
  it.each<[Expression['role'], string, Partial<Expression>, string | undefined]>([
    ['validation', 'params == null', {}, undeclared('params', 'params == null')],
    ['validation', 'params == null', { hasParams: true }, undefined],
    [
      'messageExpression',
      "authorizer.path('/').check('get').reason()",
      {},
      undeclared('authorizer', "authorizer.path('/').check('get').reason()"),
    ],
    ['validation', "authorizer.requestResource.check('get').allowed()", {}, undefined],
    ['validation', 'variables.x == 1', {}, undeclared('variables', 'variables.x == 1')],
    ['validation', 'variables.x == 1', { variables: VARIABLES }, undefined],
    ['validation', "variables.kind.kind == ''", { variables: VARIABLES }, undefined],
    ['validation', "variables.broken == ''", { variables: VARIABLES }, undefined],
    [
      'validation',
      "variables.none == ''",
      { variables: VARIABLES },
      `${COMPILED}1:10: undefined field 'none'\n | variables.none == ''\n | .........^`,
    ],
    [
      'validation',
      "variables.list[0] == ''",
      { variables: VARIABLES },
      `${COMPILED}1:19: found no matching overload for '_==_' applied to '(int, string)'\n | variables.list[0] == ''\n | ..................^`,
    ],
    [
      'variable',
      'variables.x',
      { variables: [] },
      `${COMPILED}1:10: undefined field 'x'\n | variables.x\n | .........^`,
    ],
    ['validation', "request.uid == ''", {}, `${COMPILED}1:8: undefined field 'uid'\n | request.uid == ''\n | .......^`],
    ['validation', "namespaceObject.metadata.labels['a'] == ''", {}, undefined],
    [
      'validation',
      'Object{spec: Object.spec{}} == null',
      {},
      undeclared('Object', 'Object{spec: Object.spec{}} == null', 7),
    ],
  ])('%s %s', (role, text, more, expected) => expect(problem(role, text, more)).toBe(expected));
});
