/** Policies of one kind with their bindings, followed as they come and go (plugin/policy/generic/policy_source.go). */

import { compareStrings } from '@keelson/api/codec/go-order';
import type {
  MatchResources,
  MutatingAdmissionPolicyBindingSpec,
  ParamKind,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { Follower } from '../../registry/follow.ts';
import type { Forms, FormsOf } from '../matching/forms.ts';
import type { Asked } from '../matching/rules.ts';
import { Criteria } from './criteria.ts';

interface PolicyObject extends TypedObject {
  readonly spec: {
    readonly matchConstraints?: MatchResources;
    readonly paramKind?: ParamKind;
    readonly failurePolicy?: string;
  };
}
interface BindingObject extends TypedObject {
  readonly spec: MutatingAdmissionPolicyBindingSpec;
}

/** A policy that somebody has bound. */
export interface Policy<P, B, E> {
  readonly name: string;
  readonly policy: P;
  readonly criteria: Criteria;
  readonly bindings: readonly Binding<B>[];
  /** Made when it is first needed, once for each version of the policy. */
  evaluator(): E;
}

export interface Binding<B> {
  readonly name: string;
  readonly binding: B;
  /** Undefined: whatever the policy matches. */
  readonly criteria: Criteria | undefined;
}

type Compiled<P, E> = Pick<Policy<P, never, E>, 'name' | 'policy' | 'criteria' | 'evaluator'>;

export class Policies<P extends PolicyObject, B extends BindingObject, E> {
  readonly #compile: (policy: P) => E;
  readonly #policies = new Map<string, Compiled<P, E>>();
  readonly #bindings = new Map<string, Binding<B>>();
  #bound: readonly Policy<P, B, E>[] | undefined = [];
  #matches = new WeakMap<Forms, Map<string, readonly Policy<P, B, E>[]>>();

  constructor(compile: (policy: P) => E) {
    this.#compile = compile;
  }

  readonly policies: Follower = follower(
    (object) => {
      const policy = object as TypedObject as P;
      let evaluator: E | undefined;
      this.#policies.set(nameOf(object), {
        name: nameOf(object),
        policy,
        criteria: new Criteria(policy.spec.matchConstraints ?? {}),
        evaluator: () => {
          evaluator ??= this.#compile(policy);
          return evaluator;
        },
      });
    },
    () => this.#policies,
    () => this.#changed(),
  );

  readonly bindings: Follower = follower(
    (object) => {
      const binding = object as TypedObject as B;
      const { matchResources } = binding.spec;
      const criteria = matchResources && new Criteria(matchResources);
      this.#bindings.set(nameOf(object), { name: nameOf(object), binding, criteria });
    },
    () => this.#bindings,
    () => this.#changed(),
  );

  get empty(): boolean {
    return this.#all().length === 0;
  }

  /** Those whose rules could name the request, in the order of their names. */
  matching(asked: Asked, formsOf: FormsOf): readonly Policy<P, B, E>[] {
    const all = this.#all();
    const forms = formsOf(asked.resource, asked.subresource);
    const known = this.#matches.get(forms) ?? new Map<string, readonly Policy<P, B, E>[]>();
    this.#matches.set(forms, known);
    const key = asked.namespace === '' ? asked.operation : `${asked.operation} namespaced`;
    let found = known.get(key);
    if (!found) {
      found = all.filter(({ criteria }) => criteria.mayMatch(asked, formsOf));
      known.set(key, found);
    }
    return found;
  }

  #all(): readonly Policy<P, B, E>[] {
    this.#bound ??= this.#bind();
    return this.#bound;
  }

  #bind(): Policy<P, B, E>[] {
    const byPolicy = new Map<string, Binding<B>[]>();
    for (const binding of inOrder(this.#bindings)) {
      const name = binding.binding.spec.policyName ?? '';
      byPolicy.set(name, [...(byPolicy.get(name) ?? []), binding]);
    }
    return inOrder(this.#policies).flatMap((policy) => {
      const bindings = byPolicy.get(policy.name);
      return bindings ? [{ ...policy, bindings }] : [];
    });
  }

  #changed(): void {
    this.#bound = undefined;
    this.#matches = new WeakMap();
  }
}

function follower(set: (object: KubeObject) => void, known: () => Map<string, unknown>, changed: () => void): Follower {
  return {
    set(object) {
      set(object);
      changed();
    },
    delete(_namespace, name) {
      known().delete(name);
      changed();
    },
  };
}

function nameOf({ metadata }: KubeObject): string {
  return metadata.name ?? '';
}

function inOrder<T extends { readonly name: string }>(known: ReadonlyMap<string, T>): T[] {
  return [...known.values()].sort((a, b) => compareStrings(a.name, b.name));
}
