/**
 * The APIServices of what this server itself serves: they come with the group versions, built-in ones at the start and
 * those of custom resources as long as there are definitions (kube-aggregator/pkg/controllers/autoregister).
 */
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { equal } from '@keelson/api/patch/value';
import type { RegistryClient } from '../bootstrap/client.ts';
import { builtinPriority, CUSTOM_RESOURCE_PRIORITY, type Priority } from '../discovery/priorities.ts';
import type { ServedGroup } from '../discovery/runtime-config.ts';
import { apiServiceName, asObject, isOvertaken, REGISTRATION_GROUP } from './apiservice.ts';

export const AUTOMANAGED = 'kube-aggregator.kubernetes.io/automanaged';
/** `onstart`: brought in line once, when a server starts; `true`: always. Without it nobody touches the object. */
type Management = 'onstart' | 'true';

export type Step = 'create' | 'update' | 'delete' | 'nothing';

/** What is done about one APIService. @param hasSynced whether this server has been there before */
export function nextStep(
  desired: APIService | undefined,
  current: APIService | undefined,
  { hasSynced, wasThereAtStart }: { readonly hasSynced: boolean; readonly wasThereAtStart: boolean },
): Step {
  if (managementOf(desired) === 'onstart' && hasSynced) return 'nothing';
  if (!current) return desired ? 'create' : 'nothing';
  const management = managementOf(current);
  if (management === undefined) return 'nothing';
  if (management === 'onstart' && (!wasThereAtStart || hasSynced)) return 'nothing';
  if (!desired) return 'delete';
  return equal(current.spec, desired.spec) ? 'nothing' : 'update';
}

function managementOf(service: APIService | undefined): Management | undefined {
  const label = service?.metadata.labels?.[AUTOMANAGED];
  return label === 'onstart' || label === 'true' ? label : undefined;
}

type Writer = Pick<RegistryClient, 'create' | 'update' | 'delete'>;

export class AutoRegistration {
  readonly #client: Writer;
  readonly #current: ReadonlyMap<string, APIService>;
  readonly #builtin: ReadonlyMap<string, APIService>;
  readonly #definitions = new Map<string, CustomResourceDefinition>();
  readonly #synced = new Set<string>();
  readonly #atStart = new Set<string>();

  /** @param current the APIServices that there are, as they come and go */
  constructor(client: Writer, current: ReadonlyMap<string, APIService>, served: readonly ServedGroup[]) {
    this.#client = client;
    this.#current = current;
    this.#builtin = new Map(builtinApiServices(served).map((service) => [service.metadata.name!, service]));
  }

  /** What exists is remembered: of what is managed on start, only that may be touched. @returns the names to see to */
  start(): Set<string> {
    for (const name of this.#current.keys()) this.#atStart.add(name);
    return new Set([...this.#builtin.keys(), ...this.#current.keys(), ...this.#customNames()]);
  }

  /** Built-in ones that are not there. */
  missing(): string[] {
    return [...this.#builtin.keys()].filter((name) => !this.#synced.has(name)).sort();
  }

  /** @returns the names to see to */
  setDefinition(definition: CustomResourceDefinition): string[] {
    const before = this.#definitions.get(definition.metadata.name!);
    this.#definitions.set(definition.metadata.name!, definition);
    return [...(before ? namesOf(before) : []), ...namesOf(definition)];
  }

  /** @returns the names to see to */
  deleteDefinition(name: string): string[] {
    const before = this.#definitions.get(name);
    this.#definitions.delete(name);
    return before ? namesOf(before) : [];
  }

  /** @throws StatusError, StoreUnavailableError: to be tried again */
  async reconcile(name: string): Promise<void> {
    const desired = this.#desired(name);
    const current = this.#current.get(name);
    const seen = { hasSynced: this.#synced.has(name), wasThereAtStart: this.#atStart.has(name) };
    try {
      await this.#take(nextStep(desired, current, seen), desired, current);
    } catch (error) {
      if (!isOvertaken(error)) throw error;
    }
    this.#synced.add(name);
  }

  async #take(step: Step, desired: APIService | undefined, current: APIService | undefined): Promise<void> {
    if (step === 'create') await this.#client.create(asObject(desired!));
    else if (step === 'update') await this.#client.update(asObject({ ...current!, spec: desired!.spec }));
    else if (step === 'delete') await this.#client.delete(asObject(current!));
  }

  #desired(name: string): APIService | undefined {
    const builtin = this.#builtin.get(name);
    if (builtin) return builtin;
    for (const { spec } of this.#definitions.values())
      for (const { name: version, served } of spec.versions ?? [])
        if (served && apiServiceName(spec.group, version) === name)
          return localApiService(spec.group, version, CUSTOM_RESOURCE_PRIORITY, 'true');
    return undefined;
  }

  #customNames(): string[] {
    return [...this.#definitions.values()].flatMap(namesOf);
  }
}

function namesOf({ spec }: CustomResourceDefinition): string[] {
  return (spec.versions ?? []).map(({ name }) => apiServiceName(spec.group, name));
}

function builtinApiServices(served: readonly ServedGroup[]): APIService[] {
  return served
    .filter(({ name }) => name !== REGISTRATION_GROUP)
    .flatMap(({ name, versions }) =>
      versions.map(({ version }) => localApiService(name, version, builtinPriority(name, version), 'onstart')),
    );
}

function localApiService(group: string, version: string, priority: Priority, management: Management): APIService {
  return {
    metadata: { name: apiServiceName(group, version), labels: { [AUTOMANAGED]: management } },
    spec: {
      ...(group === '' ? {} : { group }),
      version,
      groupPriorityMinimum: priority.group,
      versionPriority: priority.version,
    },
    status: {},
  };
}
