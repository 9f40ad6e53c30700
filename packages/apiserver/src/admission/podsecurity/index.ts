/**
 * PodSecurity: pods keep to the standard that their namespace's labels ask for; who runs pods through others is warned
 * (k8s.io/pod-security-admission/admission).
 */
import { aggregateText } from '@keelson/api/aggregate';
import { forbidden, internalError, invalid } from '@keelson/api/errors';
import type { CronJob } from '@keelson/api/generated/types/batch/v1';
import type { Namespace, Pod, PodTemplate, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { asError } from '../../aggregate.ts';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  objectOf,
  oldObjectOf,
  resourceKey,
} from '../plugin.ts';
import type { PodLike } from './check.ts';
import type { PodSecurityConfig } from './config.ts';
import type { PodSecurityMetrics } from './metrics.ts';
import { namespaceWarnings } from './namespace.ts';
import {
  compareLevels,
  isEquivalent,
  isPrivileged,
  type NamespacePolicy,
  PREFIX,
  policyOf,
  sameLevelVersion,
  showLabelled,
  showPolicy,
} from './policy.ts';
import { showDetails, violations } from './standards.ts';

/** Where the pod is in what makes pods. */
const TEMPLATES: Readonly<Record<string, (a: AdmissionAttributes) => PodTemplateSpec | null | undefined>> = {
  podtemplates: (a) => objectOf<PodTemplate>(a).template,
  'cronjobs.batch': (a) => objectOf<CronJob>(a).spec?.jobTemplate?.spec?.template,
  ...Object.fromEntries(
    [
      ...['replicationcontrollers', 'replicasets.apps', 'deployments.apps', 'statefulsets.apps', 'daemonsets.apps'],
      'jobs.batch',
    ].map((resource) => [resource, templateOfSpec]),
  ),
};

function templateOfSpec({ object }: AdmissionAttributes): PodTemplateSpec | null | undefined {
  return (object as { spec?: { template?: PodTemplateSpec | null } } | undefined)?.spec?.template;
}

/** Subresources of pods that say nothing about what runs. */
const HARMLESS = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']);

export function podSecurity(
  { objects, now }: AdmissionWorld,
  { defaults, exempt }: PodSecurityConfig,
  metrics?: PodSecurityMetrics,
): AdmissionPlugin {
  function annotate(a: AdmissionAttributes, key: string, value: string): void {
    a.annotate(PREFIX + key, value);
  }

  function isExempt(a: AdmissionAttributes): boolean {
    const by = exempt.namespaces.has(a.namespace)
      ? 'namespace'
      : exempt.usernames.has(a.user.name)
        ? 'user'
        : undefined;
    if (!by) return false;
    annotate(a, 'exempt', by);
    metrics?.exempted(a);
    return true;
  }

  async function policyOfNamespace({ namespace }: AdmissionAttributes): Promise<NamespacePolicy> {
    const found =
      (await objects.get('namespaces', '', namespace)) ?? (await objects.getLive('namespaces', '', namespace));
    if (!found) throw new Error(`namespace "${namespace}" not found`);
    return policyOf(found.metadata.labels, defaults);
  }

  async function validateNamespace(a: AdmissionAttributes): Promise<void> {
    const namespace = objectOf<Namespace>(a);
    const { name = '', labels } = namespace.metadata;
    const { policy, errors } = policyOf(labels, defaults);
    const refused = () => invalid(a.kind.group, a.kind.kind, a.name, errors);
    const exemptNamespace = exempt.namespaces.has(name);
    function warnOfExemption(): void {
      if (!isPrivileged(policy) && !isEquivalent(policy, defaults))
        a.warn(
          `namespace "${name}" is exempt from Pod Security, and the policy (${showLabelled(labels, policy)}) will be ignored`,
        );
    }

    if (a.operation === 'CREATE') {
      if (errors.length > 0) throw refused();
      if (exemptNamespace) warnOfExemption();
      return;
    }
    const old = policyOf(oldObjectOf<Namespace>(a).metadata.labels, defaults);
    const unchanged = errors.length === old.errors.length && errors.every((e, i) => `${e}` === `${old.errors[i]}`);
    if (errors.length > 0 && !unchanged) throw refused();
    const [before, after] = [old.policy.enforce, policy.enforce];
    const relaxed = after.version === before.version && compareLevels(after.level, before.level) <= 0;
    if (sameLevelVersion(before, after) || after.level === 'privileged' || relaxed) return;
    if (exemptNamespace) return warnOfExemption();
    const pods = await objects.list('pods', name);
    const judged = pods.filter((pod) => !exempt.runtimeClasses.has(pod.spec.runtimeClassName ?? ''));
    for (const warning of await namespaceWarnings(name, after, judged, now)) a.warn(warning);
  }

  async function validatePod(a: AdmissionAttributes): Promise<void> {
    if (isExempt(a)) return;
    const found = await policyOfNamespace(a).catch((thrown: unknown) => {
      const problem = `failed to lookup namespace "${a.namespace}"`;
      annotate(a, 'error', `Internal error occurred: ${problem}: ${asError(thrown).message}`);
      metrics?.failed(a, true);
      throw internalError(problem);
    });
    if (found.errors.length === 0 && isPrivileged(found.policy)) {
      annotate(a, 'enforce-policy', 'privileged:latest');
      metrics?.evaluated(a, 'allow', found.policy.enforce, 'enforce');
      return;
    }
    const pod = objectOf<Pod>(a);
    if (a.operation === 'UPDATE' && !runsSomethingElse(pod, oldObjectOf<Pod>(a))) return;
    evaluate(a, found, pod, true);
  }

  async function validateController(a: AdmissionAttributes): Promise<void> {
    if (isExempt(a)) return;
    let found: NamespacePolicy;
    try {
      found = await policyOfNamespace(a);
    } catch (thrown) {
      metrics?.failed(a, true);
      return annotate(a, 'error', `failed to lookup namespace "${a.namespace}": ${asError(thrown).message}`);
    }
    const { policy, errors } = found;
    if (errors.length === 0 && policy.warn.level === 'privileged' && policy.audit.level === 'privileged') return;
    const template = TEMPLATES[resourceKey(a.resource)]?.(a);
    if (template?.spec) evaluate(a, found, { metadata: template.metadata ?? {}, spec: template.spec }, false);
  }

  function evaluate(a: AdmissionAttributes, { policy, errors }: NamespacePolicy, pod: PodLike, enforce: boolean): void {
    if (exempt.runtimeClasses.has(pod.spec.runtimeClassName ?? '')) {
      annotate(a, 'exempt', 'runtimeClass');
      metrics?.exempted(a);
      return;
    }
    if (errors.length > 0) {
      annotate(a, 'error', `Failed to parse policy: ${aggregateText(new Set(errors.map(String)))}`);
      metrics?.failed(a, false);
    }
    const audited = violations(policy.audit, pod);
    if (audited.length > 0) {
      annotate(
        a,
        'audit-violations',
        `would violate PodSecurity "${showPolicy(policy.audit)}": ${showDetails(audited)}`,
      );
      metrics?.evaluated(a, 'deny', policy.audit, 'audit');
    }
    if (enforce) {
      annotate(a, 'enforce-policy', showPolicy(policy.enforce));
      const found = violations(policy.enforce, pod);
      metrics?.evaluated(a, found.length > 0 ? 'deny' : 'allow', policy.enforce, 'enforce');
      if (found.length > 0)
        throw forbidden(
          a.resource,
          a.name,
          `violates PodSecurity "${showPolicy(policy.enforce)}": ${showDetails(found)}`,
        );
    }
    const warned = violations(policy.warn, pod);
    if (warned.length === 0) return;
    a.warn(`would violate PodSecurity "${showPolicy(policy.warn)}": ${showDetails(warned)}`);
    metrics?.evaluated(a, 'deny', policy.warn, 'warn');
  }

  return {
    name: 'PodSecurity',
    handles(operation, resource, subresource) {
      if (operation !== 'CREATE' && operation !== 'UPDATE') return false;
      if (resource === 'pods') return !HARMLESS.has(subresource);
      return subresource === '' && (resource === 'namespaces' || Object.hasOwn(TEMPLATES, resource));
    },
    async validate(a) {
      const resource = resourceKey(a.resource);
      if (resource === 'namespaces') await validateNamespace(a);
      else if (resource === 'pods') await validatePod(a);
      else await validateController(a);
    },
  };
}

/** Of a pod that runs, only images and ephemeral containers can change in a way that matters. */
function runsSomethingElse({ spec }: Pod, { spec: old }: Pod): boolean {
  if ((spec.containers ?? []).length !== (old.containers ?? []).length) return true;
  if ((spec.initContainers ?? []).length !== (old.initContainers ?? []).length) return true;
  const pairs = [
    ...(spec.containers ?? []).map((c, i) => [c, old.containers?.[i]] as const),
    ...(spec.initContainers ?? []).map((c, i) => [c, old.initContainers?.[i]] as const),
    ...(spec.ephemeralContainers ?? []).map(
      (c) => [c, old.ephemeralContainers?.find((o) => o.name === c.name)] as const,
    ),
  ];
  return pairs.some(([c, before]) => !before || c.image !== before.image);
}
