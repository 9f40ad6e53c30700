/**
 * Custom resources: follows the definitions, moves each along (names, establishment, deletion), and serves what is
 * established. docs/custom-resources.md has the picture.
 */

import type { Clock } from '@keelson/api/clock';
import { StatusError } from '@keelson/api/errors';
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { KubeObject } from '@keelson/api/object';
import { equal } from '@keelson/api/patch/value';
import type { ClientMetrics } from '@keelson/client/metrics';
import type { Again } from '@keelson/client/workqueue/workers';
import type { Logger } from '@keelson/component/logs/logger';
import { Rounds } from '@keelson/component/promises';
import { asError } from '../aggregate.ts';
import type { RegistryClient } from '../bootstrap/client.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import { CUSTOM_RESOURCE_PRIORITY } from '../discovery/priorities.ts';
import type { OpenApiService } from '../openapi/service.ts';
import { slices } from '../pieces.ts';
import { follow } from '../registry/follow.ts';
import type { Resources } from '../resources.ts';
import { Upkeep } from '../upkeep.ts';
import { CLEANUP_FINALIZER, deleteInstances, isTerminating } from './cleanup.ts';
import type { ConversionDeps } from './conversion.ts';
import { structureStatus } from './nonstructural.ts';
import { type CustomVersion, customVersions, terminating } from './resource.ts';
import type { RuleMetrics } from './schema/metrics.ts';
import { isTrue, nextStatus, saying } from './status.ts';

type CRD = CustomResourceDefinition;

export interface CustomResourcesOptions {
  readonly resources: Resources;
  readonly discovery: ApiGroups;
  readonly openapi: OpenApiService;
  readonly client: RegistryClient;
  readonly conversion: ConversionDeps;
  /** Where it is counted how long rules take. */
  readonly ruleMetrics?: RuleMetrics;
  /** Where queues count. */
  readonly queues?: ClientMetrics | undefined;
  readonly clock: Clock;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** What is served of one definition. */
interface Served {
  readonly crd: CRD;
  /** As the definition has them; the same while nothing that matters to them changes. */
  readonly versions: readonly CustomVersion[];
  /** As they are served. */
  readonly shown: readonly CustomVersion[];
}

const RETRY_MS = 500;
const MOST_PATIENT_MS = 30_000;

export class CustomResources {
  readonly #options: CustomResourcesOptions;
  readonly #definitions = new Map<string, CRD>();
  readonly #served = new Map<string, Served>();
  readonly #queue = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Of those that are deleted: what a webhook has to convert may take its time. */
  readonly #cleaning: Upkeep;
  readonly #rounds = new Rounds(() => this.#work());
  #stopped = false;
  #unfollow: (() => void) | undefined;

  constructor(options: CustomResourcesOptions) {
    this.#options = options;
    const { clock, logger, queues: metrics } = options;
    const about = {
      what: 'CustomResourceDefinition',
      name: 'crd_finalizer',
      metrics,
      clock,
      logger,
      firstMs: RETRY_MS,
      maxMs: MOST_PATIENT_MS,
    };
    this.#cleaning = new Upkeep((name) => this.#cleanUp(name), about);
  }

  /** Resolves when all that is established is served. */
  async start(): Promise<void> {
    this.#cleaning.start();
    this.#unfollow = await follow<CRD>(this.#store, {
      set: (crd) => this.#set(crd),
      delete: (_namespace, name) => this.#delete(name),
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unfollow?.();
    for (const timer of this.#timers) clearTimeout(timer);
    await Promise.all([this.#rounds.idle(), this.#cleaning.stop()]);
  }

  get #store() {
    return this.#options.resources.storeOf('apiextensions.k8s.io', 'customresourcedefinitions');
  }

  #set(crd: CRD): void {
    const name = crd.metadata.name!;
    this.#definitions.set(name, crd);
    this.#serve(name, crd);
    this.#enqueue(name);
  }

  #delete(name: string): void {
    const crd = this.#definitions.get(name);
    this.#definitions.delete(name);
    this.#withdraw(name);
    // Names that it had are free.
    if (crd) this.#enqueueGroup(crd.spec.group, name);
  }

  #serve(name: string, crd: CRD): void {
    if (!isTrue(crd, 'Established')) {
      this.#withdraw(name);
      return;
    }
    const before = this.#served.get(name);
    const isSame =
      before !== undefined &&
      equal(before.crd.spec, crd.spec) &&
      equal(before.crd.status.acceptedNames, crd.status.acceptedNames) &&
      before.crd.metadata.uid === crd.metadata.uid;
    const versions = isSame ? before.versions : this.#versionsOf(crd);
    const served = versions.filter(({ isServed }) => isServed);
    const shown = isTrue(crd, 'Terminating') ? served.map(terminating) : served;
    this.#served.set(name, { crd, versions, shown });
    const { resources } = this.#options;
    for (const old of before?.shown ?? [])
      if (!shown.some(({ version }) => version === old.version)) resources.remove(old.resource);
    for (const { resource } of shown) resources.add(resource);
    const isShownSame = isSame && isTrue(before.crd, 'Terminating') === isTrue(crd, 'Terminating');
    if (!isShownSame) this.#announce(crd.spec.group, [...(before?.shown ?? []), ...shown]);
  }

  /** Without those whose place is taken: nobody comes between the server and its own resources. */
  #versionsOf(crd: CRD): readonly CustomVersion[] {
    const { conversion, ruleMetrics, resources } = this.#options;
    try {
      return customVersions(crd, conversion, ruleMetrics).filter(({ resource }) => !resources.isBuiltIn(resource));
    } catch (error) {
      this.#options.logger.error(
        { crd: crd.metadata.name, error: String(error) },
        'a custom resource cannot be served',
      );
      return [];
    }
  }

  #withdraw(name: string): void {
    const served = this.#served.get(name);
    if (!served) return;
    this.#served.delete(name);
    for (const { resource } of served.shown) this.#options.resources.remove(resource);
    this.#announce(served.crd.spec.group, served.shown);
  }

  /** Tells discovery and OpenAPI what there is now of a group in these versions. */
  #announce(group: string, changed: readonly CustomVersion[]): void {
    const { discovery, openapi } = this.#options;
    const inGroup = [...this.#served.values()]
      .filter(({ crd }) => crd.spec.group === group)
      .sort((a, b) => (a.crd.metadata.name! < b.crd.metadata.name! ? -1 : 1));
    for (const version of new Set(changed.map((each) => each.version))) {
      const there = inGroup.flatMap(({ shown }) => shown.filter((each) => each.version === version));
      openapi.setCustomKinds(
        group,
        version,
        there.map((each) => each.openapi),
      );
      if (there.length === 0) discovery.removeVersion('custom', group, version);
      else
        discovery.setVersion('custom', group, version, {
          resources: there.flatMap((each) => each.discovery),
          priority: CUSTOM_RESOURCE_PRIORITY,
        });
    }
  }

  #enqueueGroup(group: string, except: string): void {
    for (const [name, { spec }] of this.#definitions) if (spec.group === group && name !== except) this.#enqueue(name);
  }

  /** One definition at a time: whose names are accepted depends on the others. */
  #enqueue(name: string, delayMs = 0): void {
    if (this.#stopped) return;
    if (delayMs > 0) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#enqueue(name);
      }, delayMs);
      this.#timers.add(timer);
      return;
    }
    this.#queue.add(name);
    this.#rounds.ask();
  }

  async #work(): Promise<void> {
    // What else comes with this change has come by then.
    await null;
    for (const name of this.#queue) {
      this.#queue.delete(name);
      if (this.#stopped) return;
      try {
        await this.#reconcile(name);
      } catch (error) {
        if (isOutdated(error)) continue;
        this.#options.logger.error({ crd: name, error: String(error) }, 'a definition of custom resources is retried');
        this.#enqueue(name, RETRY_MS);
      }
    }
  }

  async #reconcile(name: string): Promise<void> {
    await this.#store.cacher.fresh();
    const crd = this.#definitions.get(name);
    if (!crd) return;
    if (isTerminating(crd)) return this.#cleaning.add(name);
    const now = this.#options.now();
    const status = nextStatus(crd, this.#definitions.values(), now) ?? (await slices.do(structureStatus(crd, now)));
    if (!status) return;
    await this.#write({ ...crd, status });
    if (!equal(status.acceptedNames, crd.status.acceptedNames)) this.#enqueueGroup(crd.spec.group, name);
  }

  async #cleanUp(name: string): Promise<Again | undefined> {
    const crd = this.#definitions.get(name);
    if (!crd || !isTerminating(crd)) return undefined;
    try {
      return await this.#takeAway(name, crd);
    } catch (error) {
      if (isOutdated(error)) return undefined;
      const message = `could not list instances: ${asError(error).message}`;
      await this.#write({ ...crd, status: this.#terminatingAs(crd, 'True', 'InstanceDeletionFailed', message) });
      throw error;
    }
  }

  /** @throws StatusError where a webhook does not convert what is to go */
  async #takeAway(name: string, crd: CRD): Promise<Again | undefined> {
    const said = crd.status.conditions?.find(({ type }) => type === 'Terminating');
    if (!said || said.reason === 'InstanceDeletionPending') {
      const message = 'CustomResource deletion is in progress';
      await this.#write({ ...crd, status: this.#terminatingAs(crd, 'True', 'InstanceDeletionInProgress', message) });
      return undefined;
    }
    const storage = crd.spec.versions?.find((version) => version.storage)?.name;
    const version = this.#served.get(name)?.versions.find((each) => each.version === storage);
    const { resources, now } = this.#options;
    const left = version
      ? await deleteInstances(resources.store(version.resource.definition), version.version, now())
      : 0;
    if (left > 0) return { afterMs: RETRY_MS };
    const status = version
      ? this.#terminatingAs(crd, 'False', 'InstanceDeletionCompleted', 'removed all instances')
      : this.#terminatingAs(crd, 'False', 'NeverEstablished', 'resource was never established');
    const finalizers = crd.metadata.finalizers!.filter((finalizer) => finalizer !== CLEANUP_FINALIZER);
    await this.#write({ ...crd, metadata: { ...crd.metadata, finalizers }, status });
    return undefined;
  }

  #terminatingAs({ status: before }: CRD, status: string, reason: string, message: string): CRD['status'] {
    return saying(before, { type: 'Terminating', status, reason, message }, this.#options.now());
  }

  /** @throws StatusError 404, 409 when it has changed: then it comes again */
  #write(crd: CRD): Promise<void> {
    return this.#options.client.update(
      { ...crd, apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition' } as unknown as KubeObject,
      'status',
    );
  }
}

/** Its newer state comes, or has come, by itself. */
function isOutdated(error: unknown): boolean {
  return error instanceof StatusError && (error.code === 409 || error.code === 404);
}
