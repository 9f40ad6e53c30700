/**
 * What the cluster knows of the drivers of a node: the CSINode of its name, an annotation and labels of the node
 * (pkg/volume/csi/nodeinfomanager). Schedulers and provisioners go by it.
 */
import { aggregateText } from '@keelson/api/aggregate';
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { CSINode, CSINodeDriver } from '@keelson/api/generated/types/storage/v1';
import { type Client, hasReason, sleep } from '@keelson/client';
import { Mutex } from '@keelson/component/promises';

const NODE_ID = 'csi.volume.kubernetes.io/nodeid';
const MIGRATED = 'storage.alpha.kubernetes.io/migrated-plugins';

/** Kinds of volumes of Kubernetes' own that drivers have taken over for good. */
const MIGRATED_PLUGINS = [
  'kubernetes.io/aws-ebs',
  'kubernetes.io/azure-disk',
  'kubernetes.io/azure-file',
  'kubernetes.io/cinder',
  'kubernetes.io/gce-pd',
  'kubernetes.io/portworx-volume',
  'kubernetes.io/vsphere-volume',
].join();

const MAX_COUNT = 2 ** 31 - 1;

export interface DriverInfo {
  readonly name: string;
  /** What the driver calls the node. */
  readonly nodeId: string;
  /** How many of its volumes the node can have; 0: as many as there are. */
  readonly maxVolumes: number;
  readonly topology: Readonly<Record<string, string>>;
}

/** Pauses between tries of a write, in milliseconds. */
const PAUSES = [0, 10, 50, 250];

export class NodeInfo {
  readonly #client: Client;
  readonly #nodeName: string;
  /** Writes of a node's drivers come one after the other: each reads first. */
  readonly #writes = new Mutex();

  constructor(client: Client, nodeName: string) {
    this.#client = client;
    this.#nodeName = nodeName;
  }

  /** Sees to it that there is a CSINode of this node. @throws Error after some tries */
  initialize(): Promise<void> {
    return this.#inTurn('error updating CSINode annotation', async () => {
      const found = await this.#csiNode();
      if (found.metadata.annotations?.[MIGRATED] !== MIGRATED_PLUGINS)
        await this.#writeDrivers(found, driversOf(found));
    });
  }

  /** A driver is there, or says other things of the node. @throws Error, in upstream's words: the driver is told */
  async install(info: DriverInfo): Promise<void> {
    if (info.nodeId === '') throw new Error('error adding CSI driver node info: driverNodeID must not be empty');
    await this.#inTurn('error updating Node object with CSI driver node info: error updating node', async () => {
      await this.#patchNode(({ metadata }) => {
        const taken = Object.entries(info.topology).find(([key, value]) => (metadata.labels?.[key] ?? value) !== value);
        if (taken) throw new Error(collision(taken, metadata.labels![taken[0]]!));
        return { nodeIds: { ...nodeIdsOf(metadata), [info.name]: info.nodeId }, labels: info.topology };
      });
    });
    await this.update(info);
  }

  /** What the CSINode says of a driver. @throws Error */
  async update(info: DriverInfo): Promise<void> {
    await this.#inTurn('error updating CSINode object with CSI driver node info: error updating CSINode', async () => {
      const found = await this.#csiNode();
      const drivers = withDriver(driversOf(found), info);
      if (drivers || found.metadata.annotations?.[MIGRATED] !== MIGRATED_PLUGINS)
        await this.#writeDrivers(found, drivers ?? driversOf(found));
    });
  }

  /** A driver is gone. Labels stay. @throws Error */
  async uninstall(name: string): Promise<void> {
    const what = 'error uninstalling CSI driver from CSINode object error updating CSINode';
    await this.#inTurn(what, async () => {
      const found = await this.#client
        .resource('csinodes.storage.k8s.io')
        .get({ name: this.#nodeName })
        .catch(unlessMissing);
      if (!found) return;
      const left = driversOf(found).filter((driver) => driver.name !== name);
      if (left.length < driversOf(found).length) await this.#writeDrivers(found, left);
    });
    await this.#inTurn('error removing CSI driver node info from Node object error updating node', async () => {
      await this.#patchNode(({ metadata }) => {
        const { [name]: _, ...nodeIds } = nodeIdsOf(metadata);
        return { nodeIds, labels: {} };
      });
    });
  }

  #inTurn(what: string, work: () => Promise<void>): Promise<void> {
    return this.#writes.run(() => this.#try(what, work));
  }

  async #try(what: string, work: () => Promise<void>): Promise<void> {
    const errors: string[] = [];
    for (const pause of PAUSES) {
      if (pause > 0) await sleep(this.#client.world.clock, pause);
      try {
        return await work();
      } catch (error) {
        errors.push((error as Error).message);
      }
    }
    const causes = aggregateText(new Set(errors));
    throw new Error(`${what}: timed out waiting for the condition; caused by: ${causes}`);
  }

  async #patchNode(
    change: (node: Node) => {
      readonly nodeIds: Readonly<Record<string, string>>;
      readonly labels: Readonly<Record<string, string>>;
    },
  ): Promise<void> {
    const nodes = this.#client.resource('nodes');
    const node = await nodes.get({ name: this.#nodeName });
    const { nodeIds, labels } = change(node);
    const annotation = Object.keys(nodeIds).length > 0 ? sortedJson(nodeIds) : null;
    const { metadata } = node;
    const isSaid = (metadata.annotations?.[NODE_ID] ?? null) === annotation;
    if (isSaid && Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value)) return;
    const patch = { metadata: { annotations: { [NODE_ID]: annotation }, labels } };
    await nodes.patch({ name: this.#nodeName }, 'merge', patch);
  }

  /** That of this node: one of a former node of the name is removed. @throws Error */
  async #csiNode(): Promise<CSINode> {
    const csiNodes = this.#client.resource('csinodes.storage.k8s.io');
    const name = this.#nodeName;
    const { uid = '' } = (await this.#client.resource('nodes').get({ name })).metadata;
    const found = await csiNodes.get({ name }).catch(unlessMissing);
    if (!found) {
      return csiNodes.create({
        metadata: {
          name,
          annotations: { [MIGRATED]: MIGRATED_PLUGINS },
          ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
        },
        spec: { drivers: [] },
      });
    }
    const owner = found.metadata.ownerReferences?.findLast(({ kind }) => kind === 'Node');
    if (owner?.uid === uid && owner.name === name) return found;
    await csiNodes.delete({ name });
    const ids = `oldNodeID="${owner?.uid ?? ''}", newNodeID="${uid}"`;
    throw new Error(`CSINode "${name}" was owned by different node (${ids}), deleted it`);
  }

  async #writeDrivers(csiNode: CSINode, drivers: readonly CSINodeDriver[]): Promise<void> {
    const annotations = { ...csiNode.metadata.annotations, [MIGRATED]: MIGRATED_PLUGINS };
    const metadata = { ...csiNode.metadata, annotations };
    await this.#client
      .resource('csinodes.storage.k8s.io')
      .update({ ...csiNode, metadata, spec: { ...csiNode.spec, drivers: [...drivers] } });
  }
}

/** The drivers with what this one says; undefined where that is what they are. */
export function withDriver(
  drivers: readonly CSINodeDriver[],
  { name, nodeId, maxVolumes, topology }: DriverInfo,
): CSINodeDriver[] | undefined {
  const topologyKeys = Object.keys(topology).sort();
  const count = maxVolumes > 0 ? Math.min(maxVolumes, MAX_COUNT) : undefined;
  const before = drivers.find((driver) => driver.name === name);
  if (
    before?.nodeID === nodeId &&
    [...(before.topologyKeys ?? [])].sort().join() === topologyKeys.join() &&
    before.allocatable?.count === count
  )
    return undefined;
  const others = drivers.filter((driver) => driver.name !== name);
  return [
    ...others,
    { name, nodeID: nodeId, topologyKeys, ...(count === undefined ? {} : { allocatable: { count } }) },
  ];
}

const driversOf = ({ spec }: CSINode): readonly CSINodeDriver[] => spec.drivers ?? [];

/** @throws Error where somebody else has written something else */
function nodeIdsOf({ annotations }: Node['metadata']): Record<string, string> {
  const text = annotations?.[NODE_ID];
  if (!text) return {};
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch (error) {
    const problem = (error as Error).message;
    throw new Error(`failed to parse node's "${NODE_ID}" annotation value ("${text}") err=${problem}`);
  }
}

function sortedJson(values: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function collision([key, value]: [string, string], existing: string): string {
  return `detected topology value collision: driver reported "${key}":"${value}" but existing label is "${key}":"${existing}"`;
}

function unlessMissing(error: unknown): undefined {
  if (hasReason(error, 'NotFound')) return undefined;
  throw error;
}
