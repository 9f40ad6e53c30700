/**
 * Whether the server behind an APIService can be reached: its condition Available
 * (kube-aggregator/pkg/controllers/status/{local,remote}).
 */
import { withCondition } from '@keelson/api/conditions';
import type { APIService, APIServiceCondition } from '@keelson/api/generated/types/apiregistration/v1';
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { asError } from '../aggregate.ts';
import type { RegistryClient } from '../bootstrap/client.ts';
import { urlOf } from '../connect/front-proxy.ts';
import type { Objects } from '../objects.ts';
import { slicesOf } from '../webhook/services.ts';
import { asObject, discoveryPath, isAvailable, isOvertaken, LOCAL, type Reference, referenceOf } from './apiservice.ts';
import { type Remote, UnusableBundle } from './remote.ts';

type Verdict = Omit<APIServiceCondition, 'lastTransitionTime'>;

/** So that a server that answers now and then counts as there. */
const ATTEMPTS = 5;
const TIMEOUT_MS = 5000;

export interface AvailabilityOptions {
  readonly objects: Pick<Objects, 'get' | 'list'>;
  readonly remote: Pick<Remote, 'askAt' | 'backend'>;
  readonly client: Pick<RegistryClient, 'update'>;
  readonly now: () => Date;
  /** Before this server is ready itself, who does not answer may not be blamed. */
  readonly isReady: () => boolean;
  /** Told of those that were available. */
  readonly onUnavailable: (name: string, reason: string) => void;
}

export class Availability {
  readonly #options: AvailabilityOptions;

  constructor(options: AvailabilityOptions) {
    this.#options = options;
  }

  /**
   * @throws Error when the server does not answer (the condition says so already) or can't be asked, StatusError: to be
   * tried again
   */
  async reconcile(service: APIService): Promise<void> {
    const reference = referenceOf(service);
    if (!reference) return this.#write(service, LOCAL);
    const problem = await this.#problemOf(reference);
    if (problem) return this.#write(service, problem);
    const failure = await this.#probe(service);
    if (!failure) return this.#write(service, { ...AVAILABLE, reason: 'Passed', message: 'all checks passed' });
    // Nobody could be asked: the condition stays as it is.
    if (failure instanceof UnusableBundle) throw failure;
    if (this.#options.isReady()) await this.#write(service, unavailable('FailedDiscoveryCheck', failure.message));
    throw failure;
  }

  async #problemOf(reference: Reference): Promise<Verdict | undefined> {
    const { namespace, name } = reference;
    const { objects } = this.#options;
    const service = await objects.get('services', namespace, name);
    return problemOf(reference, service, await slicesOf(objects, namespace, name));
  }

  /** @returns why nobody answers; undefined: somebody does */
  async #probe(service: APIService): Promise<Error | undefined> {
    try {
      await Promise.any(Array.from({ length: ATTEMPTS }, () => this.#ask(service)));
      return undefined;
    } catch (error) {
      return asError((error as AggregateError).errors[0]);
    }
  }

  async #ask(service: APIService): Promise<void> {
    const { remote } = this.#options;
    const path = discoveryPath(service);
    const backend = await remote.backend(service, path);
    const url = urlOf(backend);
    const user = { name: 'system:kube-aggregator', groups: ['system:masters'] };
    try {
      const { status } = await remote.askAt(backend, { user, timeoutMs: TIMEOUT_MS });
      if (status < 200 || status >= 300) throw new Error(`bad status from ${url}: ${status}`);
    } catch (error) {
      throw new Error(`failing or missing response from ${url}: ${asError(error).message}`);
    }
  }

  async #write(service: APIService, verdict: Verdict): Promise<void> {
    const before = service.status.conditions ?? [];
    const conditions = withCondition(before, verdict, this.#options.now());
    if (conditions === before) return;
    try {
      await this.#options.client.update(asObject({ ...service, status: { ...service.status, conditions } }), 'status');
    } catch (error) {
      if (isOvertaken(error)) return;
      throw error;
    }
    const wasAvailable = isAvailable(service);
    if (wasAvailable && verdict.status !== 'True')
      this.#options.onUnavailable(service.metadata.name!, verdict.reason ?? 'UnknownReason');
  }
}

const AVAILABLE = { type: 'Available', status: 'True' };

function unavailable(reason: string, message: string): Verdict {
  return { type: 'Available', status: 'False', reason, message };
}

/** What is wrong with a service before anybody is asked; undefined: nothing. */
export function problemOf(
  { namespace, name, port }: Reference,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
): Verdict | undefined {
  const where = `service/${name} in ${JSON.stringify(namespace)}`;
  if (!service) return unavailable('ServiceNotFound', `${where} is not present`);
  if (service.spec?.type !== 'ClusterIP') return undefined;
  const found = service.spec.ports?.find((each) => each.port === port);
  if (!found) return unavailable('ServicePortError', `${where} is not listening on port ${port}`);
  if (slices.length === 0) return unavailable('EndpointsNotFound', `cannot find endpointslices for ${where}`);
  const portName = found.name ?? '';
  if (slices.some((slice) => hasEndpoint(slice, portName))) return undefined;
  const message = `endpointslices for ${where} have no addresses with port name ${JSON.stringify(portName)}`;
  return unavailable('MissingEndpoints', message);
}

function hasEndpoint({ endpoints, ports }: EndpointSlice, portName: string): boolean {
  const isReady = (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false);
  return isReady && (ports ?? []).some(({ name = '', port }) => name === portName && port !== undefined);
}
