/** By what others see that this server is there. */
import type { HealthChecks } from '../health/checks.ts';
import { IdentityLease, type IdentityLeaseOptions } from './identity-lease.ts';
import { KubernetesService, type KubernetesServiceOptions } from './kubernetes-service.ts';

export class Presence {
  readonly #kubernetes: KubernetesService;
  readonly #identity: IdentityLease;

  constructor(options: KubernetesServiceOptions & IdentityLeaseOptions) {
    this.#kubernetes = new KubernetesService(options);
    this.#identity = new IdentityLease(options);
  }

  async start(health: HealthChecks): Promise<void> {
    const reachable = health.addBootHook('bootstrap-controller');
    const identified = health.addBootHook('start-kube-apiserver-identity-lease-controller');
    await Promise.all([this.#kubernetes.start().then(reachable), this.#identity.start().then(identified)]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#kubernetes.stop(), this.#identity.stop()]);
  }
}
