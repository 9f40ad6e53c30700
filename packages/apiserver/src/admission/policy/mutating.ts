/** MutatingAdmissionPolicy (plugin/policy/generic/policy_dispatcher.go, plugin/policy/mutating/dispatcher.go). */
import { internalError, StatusError } from '@keelson/api/errors';
import type {
  MutatingAdmissionPolicy,
  MutatingAdmissionPolicyBinding,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { KubeObject } from '@keelson/api/object';
import { equal } from '@keelson/api/patch/value';
import { RequestAuthorizer } from '../cel/authorizer.ts';
import { ConditionError } from '../matching/conditions.ts';
import { type Form, VersionedObjects } from '../matching/forms.ts';
import type { AdmissionMetrics } from '../metrics.ts';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  type Operation,
  refuse,
} from '../plugin.ts';
import { checkOf } from './checks.ts';
import { isExcluded, namespaceFor } from './exclusions.ts';
import { MutationError, type Mutator } from './mutator.ts';
import { ConfigurationError, collectParams, type ParamsOf, paramSourceOf } from './params.ts';
import type { Binding, Policies, Policy } from './policies.ts';

type Bound = Policy<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutator>;
type BoundTo = Binding<MutatingAdmissionPolicyBinding>;

export type MutatingPolicies = Policies<MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, Mutator>;

export interface MutatingOptions {
  readonly world: Pick<AdmissionWorld, 'objects' | 'formsOf' | 'authorize' | 'isEnabled'>;
  readonly policies: MutatingPolicies;
  readonly paramsOf: ParamsOf;
  readonly metrics: AdmissionMetrics;
}

/** A policy to be run, with one object of parameters. */
interface Invocation {
  readonly policy: Bound;
  readonly binding: BoundTo;
  readonly form: Form;
  readonly params: KubeObject | undefined;
}

/** Why a policy could not be run. */
interface Problem {
  readonly policy: Bound;
  readonly binding?: BoundTo;
  readonly message: string;
  /** Empty: the reason of any refusal. */
  readonly reason: string;
}

const PLUGIN = 'MutatingAdmissionPolicy';
/** What is deleted has nothing to mutate. */
const OPERATIONS: readonly Operation[] = ['CREATE', 'UPDATE', 'CONNECT'];

export function mutatingAdmissionPolicy({ world, policies, paramsOf, metrics }: MutatingOptions): AdmissionPlugin {
  const isAsked = world.isEnabled(PLUGIN);
  return {
    name: PLUGIN,
    handles: (operation) => OPERATIONS.includes(operation),
    mutate(attributes) {
      if (!isAsked || policies.empty || isExcluded(attributes)) return undefined;
      const matching = policies.matching(attributes, world.formsOf);
      return matching.length === 0 ? undefined : mutate(attributes, matching);
    },
  };

  async function mutate(attributes: AdmissionAttributes, matching: readonly Bound[]): Promise<void> {
    const problems: Problem[] = [];
    const invocations: Invocation[] = [];
    for (const policy of matching) invocations.push(...(await select(attributes, policy, problems)));
    if (invocations.length > 0) await run(attributes, invocations, problems);
    const [first, ...others] = problems.filter(({ policy }) => policy.policy.spec.failurePolicy !== 'Ignore');
    if (first) throw denied(attributes, [first, ...others]);
  }

  /** All are selected before any of them changes the object. */
  async function select(attributes: AdmissionAttributes, policy: Bound, problems: Problem[]): Promise<Invocation[]> {
    const failed = (error: unknown, binding?: BoundTo): void => {
      if (!(error instanceof ConfigurationError || error instanceof StatusError)) throw error;
      const message = `failed to configure ${binding ? 'binding' : 'policy'}: ${error.message}`;
      problems.push({ policy, ...(binding ? { binding } : {}), message, reason: '' });
    };
    const invocations: Invocation[] = [];
    try {
      const form = await policy.criteria.match(attributes, world);
      if (!form) return [];
      const source = paramSourceOf(policy.policy.spec.paramKind, paramsOf);
      for (const binding of policy.bindings) {
        try {
          if (binding.criteria && !(await binding.criteria.match(attributes, world))) continue;
          const found = await collectParams(source, binding.binding.spec.paramRef, attributes.namespace);
          invocations.push(...found.map((params) => ({ policy, binding, form, params })));
        } catch (error) {
          failed(error, binding);
        }
      }
    } catch (error) {
      failed(error);
    }
    return invocations;
  }

  async function run(
    attributes: AdmissionAttributes,
    invocations: readonly Invocation[],
    problems: Problem[],
  ): Promise<void> {
    const { round } = attributes;
    const invoked = round.invoked(PLUGIN);
    invoked.begin(round, attributes.object);
    const namespace = await namespaceFor(attributes, world);
    const authorizer = new RequestAuthorizer(attributes, world.authorize);
    let objects: VersionedObjects | undefined;
    let isPatched = false;
    for (const invocation of invocations) {
      const { policy, binding, form, params } = invocation;
      try {
        objects = await (objects?.convert(form) ?? VersionedObjects.of(attributes, form));
      } catch (error) {
        if (!(error instanceof StatusError)) throw error;
        problems.push({ policy, message: `failed to configure policy: ${error.message}`, reason: '' });
        continue;
      }
      const mutator = policy.evaluator();
      const input = { objects, params, authorizer };
      const failed = (error: unknown): void => {
        if (!(error instanceof MutationError || error instanceof ConditionError)) throw error;
        problems.push({ policy, binding, message: error.message, reason: 'Invalid' });
      };
      try {
        if (mutator.conditions && !(await mutator.conditions.match({ ...input, variables: mutator.variables })))
          continue;
      } catch (error) {
        failed(error);
        continue;
      }
      const id = idOf(invocation);
      if (!invoked.mayRun(round, id)) continue;
      const before = objects.object;
      for (const mutation of mutator.mutations) {
        if (!objects.object) break;
        const startedAt = metrics.now();
        const count = (message: string | undefined): void =>
          metrics.mutated(
            checkOf(policy, binding, {
              failed: message !== undefined,
              message: message ?? '',
              ms: metrics.now() - startedAt,
            }),
          );
        try {
          objects.replace(await mutator.mutate(mutation, { ...input, namespace }));
          isPatched = true;
          count(undefined);
        } catch (error) {
          count((error as Error).message);
          failed(error);
        }
      }
      if (!equal(before, objects.object)) invoked.changed(round);
      invoked.ran(id, policy.policy.spec.reinvocationPolicy === 'IfNeeded');
    }
    if (isPatched) invoked.changed(round);
    try {
      await objects?.commit();
    } catch (error) {
      throw internalError(`failed to convert object: ${(error as Error).message}`);
    }
    invoked.end(attributes.object);
  }
}

function idOf({ policy, binding, params }: Invocation): string {
  const { namespace = '', name = '' } = params?.metadata ?? {};
  return `${policy.name}/${binding.name}/${namespace}/${name}`;
}

function denied(attributes: AdmissionAttributes, problems: readonly [Problem, ...Problem[]]): StatusError {
  const messages = problems.map(({ policy, binding, message }) =>
    binding
      ? `policy '${policy.name}' with binding '${binding.name}' denied request: ${message}`
      : `policy ${JSON.stringify(policy.name)} denied request: ${message}`,
  );
  const { code, reason, details } = refuse(attributes, 'admission request denied by policy');
  const causes = [...(details?.causes ?? []), ...messages.map((message) => ({ message }))];
  return new StatusError(code, problems[0].reason || reason, messages[0]!, { ...details, causes });
}
