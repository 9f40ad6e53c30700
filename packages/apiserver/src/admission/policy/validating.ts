/** ValidatingAdmissionPolicy (plugin/policy/validating/dispatcher.go). */
import { jsonText } from '@keelson/api/codec/json';
import { StatusError } from '@keelson/api/errors';
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { KubeObject } from '@keelson/api/object';
import { RequestAuthorizer } from '../cel/authorizer.ts';
import { VersionedObjects } from '../matching/forms.ts';
import type { AdmissionMetrics } from '../metrics.ts';
import { type AdmissionAttributes, type AdmissionPlugin, type AdmissionWorld, refuse } from '../plugin.ts';
import { checkOf } from './checks.ts';
import { isExcluded, namespaceFor } from './exclusions.ts';
import { ConfigurationError, collectParams, type ParamSource, type ParamsOf, paramSourceOf } from './params.ts';
import type { Binding, Policies, Policy } from './policies.ts';
import type { Decision, Validator } from './validator.ts';

type Bound = Policy<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Validator>;
type BoundTo = Binding<ValidatingAdmissionPolicyBinding>;

export type ValidatingPolicies = Policies<ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, Validator>;

export interface ValidatingOptions {
  readonly world: Pick<AdmissionWorld, 'objects' | 'formsOf' | 'authorize'>;
  readonly policies: ValidatingPolicies;
  readonly paramsOf: ParamsOf;
  readonly metrics: AdmissionMetrics;
}

const FAILURE_KEY = 'validation.policy.admission.k8s.io/validation_failure';
const MAX_ANNOTATION_BYTES = 10 * 1024;
const CODES: Readonly<Record<string, number>> = { Forbidden: 403, Unauthorized: 401, RequestEntityTooLarge: 413 };
const UNPROCESSABLE = 422;

export function validatingAdmissionPolicy({ world, policies, paramsOf, metrics }: ValidatingOptions): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    handles: () => true,
    validate(attributes) {
      if (policies.empty || isExcluded(attributes)) return undefined;
      const matching = policies.matching(attributes, world.formsOf);
      return matching.length === 0 ? undefined : validate(attributes, matching);
    },
  };

  async function validate(attributes: AdmissionAttributes, matching: readonly Bound[]): Promise<void> {
    const authorizer = new RequestAuthorizer(attributes, world.authorize);
    const denials: Denial[] = [];
    for (const policy of matching) denials.push(...(await judge(attributes, policy, authorizer)));
    if (denials[0]) throw denied(attributes, denials[0]);
  }

  /** What a policy denies. @throws StatusError where the namespace of the request is not there */
  async function judge(
    attributes: AdmissionAttributes,
    policy: Bound,
    authorizer: RequestAuthorizer,
  ): Promise<readonly Denial[]> {
    const misconfigured = (error: unknown, binding?: BoundTo): readonly Denial[] => {
      if (!isConfigurationError(error)) throw error;
      if (policy.policy.spec.failurePolicy === 'Ignore') return [];
      const message = `failed to configure ${binding ? 'binding' : 'policy'}: ${error.message}`;
      return [{ policy, binding, message, reason: '' }];
    };
    let objects: VersionedObjects;
    let source: ParamSource | undefined;
    try {
      const form = await policy.criteria.match(attributes, world);
      if (!form) return [];
      source = paramSourceOf(policy.policy.spec.paramKind, paramsOf);
      objects = await VersionedObjects.of(attributes, form);
    } catch (error) {
      return misconfigured(error);
    }
    const denials: Denial[] = [];
    const annotations = new Annotations();
    for (const bound of policy.bindings) {
      let params: readonly (KubeObject | undefined)[];
      try {
        if (bound.criteria && !(await bound.criteria.match(attributes, world))) continue;
        params = await collectParams(source, bound.binding.spec.paramRef, attributes.namespace);
      } catch (error) {
        denials.push(...misconfigured(error, bound));
        continue;
      }
      const namespace = await namespaceFor(attributes, world);
      for (const param of params) {
        const verdict = await policy.evaluator().validate({ objects, params: param, namespace, authorizer });
        for (const [i, decision] of verdict.decisions.entries())
          if (enforce(attributes, policy, bound, decision, i)) denials.push({ policy, binding: bound, ...decision });
        for (const { key, value } of verdict.annotations) annotations.add(key, value);
        for (const failure of verdict.annotationErrors) {
          denials.push({ policy, binding: bound, ...failure });
          metrics.validated(checkOf(policy, bound, failure), 'deny');
        }
      }
    }
    annotations.publish(attributes, policy.name);
    return denials;
  }

  /** Does what the binding wants done about a denial. @returns whether the request is denied */
  function enforce(
    attributes: AdmissionAttributes,
    policy: Bound,
    { name, binding }: BoundTo,
    decision: Decision,
    index: number,
  ): boolean {
    const check = checkOf(policy, { name }, decision);
    if (!decision.denied) {
      if (decision.failed) metrics.validated(check, 'allow');
      return false;
    }
    const actions = binding.spec.validationActions ?? [];
    for (const action of actions) {
      if (action === 'Deny') metrics.validated(check, 'deny');
      if (action === 'Audit') {
        const { policyName } = binding.spec;
        const failure = {
          message: decision.message,
          policy: policyName,
          binding: name,
          expressionIndex: index,
          validationActions: actions,
        };
        attributes.annotate(FAILURE_KEY, jsonText([failure]));
        metrics.validated(check, 'audit');
      }
      if (action === 'Warn') {
        const by = `ValidatingAdmissionPolicy '${policy.name}' with binding '${name}'`;
        attributes.warn(`Validation failed for ${by}: ${decision.message}`);
        metrics.validated(check, 'warn');
      }
    }
    return actions.includes('Deny');
  }
}

function isConfigurationError(error: unknown): error is Error {
  return error instanceof ConfigurationError || error instanceof StatusError;
}

interface Denial {
  readonly policy: Bound;
  readonly binding: BoundTo | undefined;
  readonly message: string;
  readonly reason: string;
}

function denied(attributes: AdmissionAttributes, { policy, binding, message, reason }: Denial): StatusError {
  const by = `ValidatingAdmissionPolicy '${policy.name}'${binding ? ` with binding '${binding.name}'` : ''}`;
  const text = `${by} denied request: ${message}`;
  const { message: wrapped, details } = refuse(attributes, text);
  const causes = [...(details?.causes ?? []), { message: text }];
  return new StatusError(CODES[reason] ?? UNPROCESSABLE, reason || 'Invalid', wrapped, { ...details, causes });
}

/** Audit annotations of one policy; bindings that say different things are joined. */
class Annotations {
  readonly #values = new Map<string, Set<string>>();

  add(key: string, value: string): void {
    const bytes = Buffer.from(value);
    const cut = bytes.length > MAX_ANNOTATION_BYTES ? bytes.subarray(0, MAX_ANNOTATION_BYTES).toString() : value;
    this.#values.set(key, (this.#values.get(key) ?? new Set()).add(cut));
  }
  publish(attributes: AdmissionAttributes, policy: string): void {
    for (const [key, values] of this.#values) attributes.annotate(`${policy}/${key}`, [...values].join(', '));
  }
}
