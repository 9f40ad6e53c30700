/**
 * Before services are served, and again and again: the default ServiceCIDR exists, and the records of addresses and ports agree with the
 * services that there are (upstream's default-servicecidr controller and the repair loops of its allocators).
 */

import { semanticEqual } from '@keelson/api/codec/equality';
import { hasReason } from '@keelson/api/errors';
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { IPAddress, ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { formatIP } from '@keelson/api/ip';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import { Periodic } from '../../../../bootstrap/periodic.ts';
import type { Follower } from '../../../follow.ts';
import { addressesOf, CONTROLLER, ipAddress, MANAGED_BY_LABEL, NETWORKING } from './addresses.ts';
import type { AllocationClient, AllocationDeps } from './deps.ts';
import { allPortsOf } from './nodeports.ts';
import { NodePortAllocator } from './ports.ts';
import { UnrecordedAddresses } from './unrecorded.ts';

const DEFAULT_CIDR = 'kubernetes';
const STATUS_MANAGER = 'kubernetes-service-cidr-controller';
/** Somebody who moves to another range deletes the old one, and waits for the new one. */
const RANGE_INTERVAL_MS = 10_000;
const RECORDS_INTERVAL_MS = 3 * 60_000;
/** A younger record may be that of a service whose creation is under way on another server. */
const ORPHAN_AGE_MS = 60_000;

/** What runs from its start to its end. */
interface Running {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Keeps somebody told of all objects of a resource. @returns stop */
export type Follow = <T extends TypedObject>(group: string, resource: string, told: Follower<T>) => Promise<() => void>;

/** @param now the time, to judge the age of records that no service claims */
export function serviceAllocationRepair(deps: AllocationDeps, now: () => Date, follow: Follow): Running {
  const ports = new NodePortAllocator(deps);
  const range = () => ensureDefaultServiceCIDR(deps.client(), deps.clusterIPRanges, now());
  const records = async (): Promise<void> => {
    const client = deps.client();
    const services = (await client.list('v1', 'Service')) as unknown as Service[];
    await repairAddresses(client, services, now());
    await ports.repair(services.flatMap(allPortsOf));
  };
  const ranging = new Periodic(range, RANGE_INTERVAL_MS, deps.report);
  const recording = new Periodic(records, RECORDS_INTERVAL_MS, deps.report);
  const unrecorded = new UnrecordedAddresses(() => recording.again());
  const unfollow: (() => void)[] = [];
  return {
    async start() {
      await ranging.start();
      await recording.start();
      unfollow.push(await follow('networking.k8s.io', 'ipaddresses', unrecorded.records));
      unfollow.push(await follow('', 'services', unrecorded.services));
    },
    async stop() {
      for (const end of unfollow) end();
      unrecorded.stop();
      await Promise.all([ranging.stop(), recording.stop()]);
    },
  };
}

async function ensureDefaultServiceCIDR(client: AllocationClient, ranges: readonly string[], now: Date): Promise<void> {
  const base: KubeObject = { apiVersion: NETWORKING, kind: 'ServiceCIDR', metadata: { name: DEFAULT_CIDR } };
  const read = async () =>
    (await client.get(NETWORKING, 'ServiceCIDR', '', DEFAULT_CIDR)) as (ServiceCIDR & KubeObject) | undefined;
  if (!(await read())) await ignoring('AlreadyExists', client.create({ ...base, spec: { cidrs: [...ranges] } }));
  let found = await read();
  const existing = found?.spec?.cidrs ?? [];
  if (found && ranges.length === 2 && existing.length === 1 && existing[0] === ranges[0]) {
    await ignoring('Conflict', client.update({ ...found, spec: { cidrs: [...ranges] } }));
    found = await read();
  }
  if (!found || found.metadata.deletionTimestamp != null || !semanticEqual(found.spec?.cidrs, ranges)) return;
  const ready = found.status?.conditions?.find((c) => c.type === 'Ready');
  if (ready && ready.status !== 'Unknown') return;
  const condition = {
    type: 'Ready',
    status: 'True',
    lastTransitionTime: `${now.toISOString().slice(0, 19)}Z`,
    message: 'Kubernetes default Service CIDR is ready',
  };
  const config = { ...base, status: { conditions: [condition] } };
  await ignoring('NotFound', client.managedBy(STATUS_MANAGER).apply(config, 'status'));
}

async function repairAddresses(client: AllocationClient, services: readonly Service[], now: Date): Promise<void> {
  const wanted = new Map<string, KubeObject>();
  for (const service of services) {
    for (const ip of addressesOf(service)) wanted.set(formatIP(ip), ipAddress(ip, service));
  }
  const records = (await client.list(NETWORKING, 'IPAddress')) as unknown as (IPAddress & KubeObject)[];
  const known = new Set(records.map((r) => r.metadata.name ?? ''));
  for (const [name, record] of wanted) if (!known.has(name)) await ignoring('AlreadyExists', client.create(record));
  for (const record of records) if (isOrphan(record, wanted, now)) await ignoring('NotFound', client.delete(record));
}

function isOrphan(record: IPAddress, wanted: ReadonlyMap<string, KubeObject>, now: Date): boolean {
  const { name = '', labels, creationTimestamp } = record.metadata;
  const age = now.getTime() - Date.parse(creationTimestamp ?? '');
  return labels?.[MANAGED_BY_LABEL] === CONTROLLER && !wanted.has(name) && age > ORPHAN_AGE_MS;
}

async function ignoring(reason: string, write: Promise<void>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!hasReason(error, reason)) throw error;
  }
}
