/** What PodSecurity decides, in figures (k8s.io/pod-security-admission/metrics). */
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { type AdmissionAttributes, resourceKey } from '../plugin.ts';
import type { LevelVersion, Mode, PolicyVersion } from './policy.ts';

const REQUEST = ['request_operation', 'resource', 'subresource'];

export class PodSecurityMetrics {
  readonly #minor: number;
  readonly #evaluations: Counter;
  readonly #exemptions: Counter;
  readonly #errors: Counter;

  /** @param minor of the release whose standards are the newest */
  constructor(registry: MetricsRegistry, minor: number) {
    this.#minor = minor;
    const counter = (name: string, help: string, labels: readonly string[]): Counter =>
      registry.register(new Counter({ name: `pod_security_${name}_total`, help, stability: 'ALPHA', labels }));
    const policy = ['decision', 'policy_level', 'policy_version', 'mode'];
    this.#evaluations = counter('evaluations', 'Policies that pods were judged by.', [...policy, ...REQUEST]);
    this.#exemptions = counter('exemptions', 'Requests that no policy holds for.', REQUEST);
    this.#errors = counter('errors', 'Requests that could not be judged as they should be.', ['fatal', ...REQUEST]);
    for (const operation of ['create', 'update']) {
      this.#evaluations.with('allow', 'privileged', 'latest', 'enforce', operation, 'pod', '');
      for (const resource of ['pod', 'controller']) this.#exemptions.with(operation, resource, '');
    }
  }

  evaluated(a: AdmissionAttributes, decision: 'allow' | 'deny', { level, version }: LevelVersion, mode: Mode): void {
    // Privileged is the same in all versions.
    const shown = level === 'privileged' ? 'latest' : this.#shown(version);
    this.#evaluations.with(decision, level, shown, mode, ...requestOf(a)).inc();
  }

  exempted(a: AdmissionAttributes): void {
    this.#exemptions.with(...requestOf(a)).inc();
  }

  /** @param fatal whether nothing was judged */
  failed(a: AdmissionAttributes, fatal: boolean): void {
    this.#errors.with(String(fatal), ...requestOf(a)).inc();
  }

  #shown(version: PolicyVersion): string {
    if (version === 'latest') return version;
    return version > this.#minor ? 'future' : `v1.${version}`;
  }
}

const RESOURCES: Readonly<Record<string, string>> = { pods: 'pod', namespaces: 'namespace' };

function requestOf({ operation, resource, subresource }: AdmissionAttributes): readonly string[] {
  return [operation.toLowerCase(), RESOURCES[resourceKey(resource)] ?? 'controller', subresource];
}
