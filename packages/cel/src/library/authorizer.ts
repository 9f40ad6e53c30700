/**
 * Authorization checks (k8s.io/apiserver/pkg/cel/library/authz.go):
 * `authorizer.group('apps').resource('deployments').namespace('x').check('create').allowed()`.
 *
 * Who decides may need time. A decision that is not there yet is a `Pending`; it is remembered by the authorizer value when it comes,
 * so that evaluating again finds it.
 */
import { nameIsDNSLabel, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { type CostRange, exactly, plus, scaled, TRAVERSAL } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { actualSize } from '../eval/cost.ts';
import { failure, Pending } from '../eval/errors.ts';
import { OpaqueValue, type Value } from '../eval/values.ts';
import type { FunctionCost } from '../functions.ts';
import { BoolType, StringType } from '../types/type.ts';
import { fixedCost } from './costs.ts';
import { fn, member } from './declare.ts';
import { objectType } from './opaque.ts';

/** A question. One about a path has no resource; one about a resource has no path. */
export interface AuthorizationQuery {
  /** Set where the expression asks for a service account instead of the user of the authorizer. */
  readonly serviceAccount?: { readonly namespace: string; readonly name: string };
  readonly verb: string;
  readonly path?: string;
  readonly resource?: ResourceQuery;
}

export interface ResourceQuery {
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  readonly fieldSelector: string;
  readonly labelSelector: string;
}

export interface AuthorizationAnswer {
  readonly allowed: boolean;
  readonly reason: string;
  /** What went wrong while deciding. */
  readonly error?: string;
}

/** Whoever decides, about one user. */
export type Decide = (query: AuthorizationQuery) => AuthorizationAnswer | Promise<AuthorizationAnswer>;

export const AuthorizerType = objectType('kubernetes.authorization.Authorizer');
export const ResourceCheckType = objectType('kubernetes.authorization.ResourceCheck');
const PathCheckType = objectType('kubernetes.authorization.PathCheck');
const GroupCheckType = objectType('kubernetes.authorization.GroupCheck');
const DecisionType = objectType('kubernetes.authorization.Decision');

/** Asks each question once. */
class Answers {
  readonly #decide: Decide;
  readonly #known = new Map<string, AuthorizationAnswer | Pending>();

  constructor(decide: Decide) {
    this.#decide = decide;
  }

  /** @throws Pending */
  of(query: AuthorizationQuery): AuthorizationAnswer {
    const key = JSON.stringify(query);
    const known = this.#known.get(key) ?? this.#ask(key, query);
    if (known instanceof Pending) throw known;
    return known;
  }

  #ask(key: string, query: AuthorizationQuery): AuthorizationAnswer | Pending {
    const answer = this.#decide(query);
    const known = answer instanceof Promise ? new Pending(answer.then((a) => this.#known.set(key, a))) : answer;
    this.#known.set(key, known);
    return known;
  }
}

abstract class Receiver extends OpaqueValue {
  equals(): undefined {
    return undefined;
  }
}

type Subject = Pick<AuthorizationQuery, 'serviceAccount'>;

class AuthorizerValue extends Receiver {
  readonly type = AuthorizerType;
  readonly answers: Answers;
  readonly subject: Subject;

  constructor(answers: Answers, subject: Subject) {
    super();
    this.answers = answers;
    this.subject = subject;
  }
}

class PathCheck extends Receiver {
  readonly type = PathCheckType;
  readonly authorizer: AuthorizerValue;
  readonly path: string;

  constructor(authorizer: AuthorizerValue, path: string) {
    super();
    this.authorizer = authorizer;
    this.path = path;
  }
}

class GroupCheck extends Receiver {
  readonly type = GroupCheckType;
  readonly authorizer: AuthorizerValue;
  readonly group: string;

  constructor(authorizer: AuthorizerValue, group: string) {
    super();
    this.authorizer = authorizer;
    this.group = group;
  }
}

class ResourceCheck extends Receiver {
  readonly type = ResourceCheckType;
  readonly authorizer: AuthorizerValue;
  readonly query: ResourceQuery;

  constructor(authorizer: AuthorizerValue, query: ResourceQuery) {
    super();
    this.authorizer = authorizer;
    this.query = query;
  }
}

class DecisionValue extends Receiver {
  readonly type = DecisionType;
  readonly answer: AuthorizationAnswer;

  constructor(answer: AuthorizationAnswer) {
    super();
    this.answer = answer;
  }
}

/** The value of the variable `authorizer`. It remembers answers: make one for each request. */
export function authorizerValue(decide: Decide): Value {
  return new AuthorizerValue(new Answers(decide), {});
}

/** The value of the variable `authorizer.requestResource`. @param authorizer from `authorizerValue` */
export function resourceCheckValue(
  authorizer: Value,
  query: Pick<ResourceQuery, 'group' | 'resource' | 'subresource' | 'namespace' | 'name'>,
): Value {
  if (!(authorizer instanceof AuthorizerValue)) throw new TypeError('not an authorizer');
  return new ResourceCheck(authorizer, { ...query, fieldSelector: '', labelSelector: '' });
}

function pathCheck(authorizer: AuthorizerValue, path: string): Value {
  if (path.trim() === '') throw failure('path must not be empty');
  return new PathCheck(authorizer, path);
}

function serviceAccount(authorizer: AuthorizerValue, namespace: string, name: string): Value {
  if (nameIsDNSSubdomain(name, false).length > 0) throw failure('Invalid service account name');
  if (nameIsDNSLabel(namespace, false).length > 0) throw failure('Invalid service account namespace');
  return new AuthorizerValue(authorizer.answers, { serviceAccount: { namespace, name } });
}

function resourceCheck({ authorizer, group }: GroupCheck, resource: string): Value {
  if (resource.trim() === '') throw failure('resource must not be empty');
  const nothing = { subresource: '', namespace: '', name: '', fieldSelector: '', labelSelector: '' };
  return new ResourceCheck(authorizer, { group, resource, ...nothing });
}

/** A method that gives a resource check with one thing set. */
function refinement(name: keyof ResourceQuery, id: string, cost: FunctionCost = fixedCost(1)) {
  const set = (check: ResourceCheck, value: string) =>
    new ResourceCheck(check.authorizer, { ...check.query, [name]: value });
  return fn(name, [member(id, [ResourceCheckType, StringType], ResourceCheckType, set)], { cost });
}

/** Parsing a selector: going through it, and a requirement of two values for every two characters. */
function selectorCost(size: CostRange): CostRange {
  return plus(exactly(10), scaled(size, TRAVERSAL), scaled(scaled(size, 0.5), 50));
}

const SELECTOR: FunctionCost = {
  estimate: ({ args: [selector] }) => selector && { cost: selectorCost(selector.size) },
  actual: ([, selector = null]) => selectorCost(exactly(actualSize(selector))).max,
};

export const AUTHORIZER: Declarations = {
  functions: [
    fn('path', [member('authorizer_path', [AuthorizerType, StringType], PathCheckType, pathCheck)], {
      cost: fixedCost(1),
    }),
    fn(
      'group',
      [
        member(
          'authorizer_group',
          [AuthorizerType, StringType],
          GroupCheckType,
          (a: AuthorizerValue, group: string) => {
            return new GroupCheck(a, group);
          },
        ),
      ],
      { cost: fixedCost(1) },
    ),
    fn(
      'serviceAccount',
      [member('authorizer_serviceaccount', [AuthorizerType, StringType, StringType], AuthorizerType, serviceAccount)],
      { cost: fixedCost(1) },
    ),
    fn('resource', [member('groupcheck_resource', [GroupCheckType, StringType], ResourceCheckType, resourceCheck)], {
      cost: fixedCost(1),
    }),
    refinement('subresource', 'resourcecheck_subresource'),
    refinement('namespace', 'resourcecheck_namespace'),
    refinement('name', 'resourcecheck_name'),
    refinement('fieldSelector', 'authorizer_fieldselector', SELECTOR),
    refinement('labelSelector', 'authorizer_labelselector', SELECTOR),
    fn(
      'check',
      [
        member('pathcheck_check', [PathCheckType, StringType], DecisionType, (check: PathCheck, verb: string) => {
          const { answers, subject } = check.authorizer;
          return new DecisionValue(answers.of({ ...subject, verb, path: check.path }));
        }),
        member(
          'resourcecheck_check',
          [ResourceCheckType, StringType],
          DecisionType,
          (check: ResourceCheck, verb: string) => {
            const { answers, subject } = check.authorizer;
            return new DecisionValue(answers.of({ ...subject, verb, resource: check.query }));
          },
        ),
      ],
      { cost: fixedCost(350_000) },
    ),
    fn(
      'errored',
      [member('decision_errored', [DecisionType], BoolType, (d: DecisionValue) => d.answer.error !== undefined)],
      { cost: fixedCost(1) },
    ),
    fn('error', [member('decision_error', [DecisionType], StringType, (d: DecisionValue) => d.answer.error ?? '')], {
      cost: fixedCost(1),
    }),
    fn('allowed', [member('decision_allowed', [DecisionType], BoolType, (d: DecisionValue) => d.answer.allowed)], {
      cost: fixedCost(1),
    }),
    fn('reason', [member('decision_reason', [DecisionType], StringType, (d: DecisionValue) => d.answer.reason)], {
      cost: fixedCost(1),
    }),
  ],
};
