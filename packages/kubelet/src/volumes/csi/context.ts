/** What every step of a driver's volume needs. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import { attachmentName } from '@keelson/api/resources/attachments';
import type { Client } from '@keelson/client';
import { capabilityOf, type VolumeCapability } from './capability.ts';
import type { Driver, NodeCapability } from './driver.ts';
import type { CsiPaths } from './paths.ts';
import type { TokenSource } from './pod-attributes.ts';
import type { DriverRegistry } from './registry.ts';
import type { CsiVolume, SecretReference } from './volume.ts';

export interface CsiContext {
  readonly client: Client;
  readonly nodeName: string;
  readonly paths: CsiPaths;
  readonly drivers: DriverRegistry;
  readonly token: TokenSource;
  /** What the cluster was told of a driver; undefined where that is nothing. */
  csiDriver(name: string): Promise<CSIDriver | undefined>;
}

/** A volume on its way to a pod. */
export interface Step {
  readonly pod: Pod;
  readonly volume: CsiVolume;
  /** What the driver's controller says of it. */
  readonly attached: Readonly<Record<string, string>>;
  /** Called before the driver is: from then on it may be at it, and what it does has to be undone one day. */
  begin(): void;
}

/** A driver and what it can, for one operation. */
export interface Asked {
  readonly driver: Driver;
  readonly can: ReadonlySet<NodeCapability>;
}

/** As gRPC's clients in Go have it, and so do upstream's messages. */
export const inCsi = (message: string, error: unknown): Error =>
  new Error(`kubernetes.io/csi: ${message}: ${(error as Error).message}`, { cause: error });

/** @param what could not be done, in the words of upstream's events. @throws Error with them */
export function checked<T>(what: string, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw inCsi(what, error);
  }
}

export function driverOf({ drivers }: CsiContext, name: string, what: string): Driver {
  return checked(what, () => drivers.get(name));
}

export async function askedOf(context: CsiContext, name: string, what: string): Promise<Asked> {
  const driver = driverOf(context, name, what);
  return { driver, can: await driver.capabilities() };
}

/** How the driver is told to use the volume. @param group as the pod wants it: drivers that care for it are told */
export function usageOf(volume: CsiVolume, { can }: Asked, group?: number): VolumeCapability {
  const isTold = can.has('VOLUME_MOUNT_GROUP') ? group : undefined;
  return capabilityOf(volume, { isFine: can.has('SINGLE_NODE_MULTI_WRITER'), group: isTold });
}

/** Texts of a secret; nothing for none. @throws Error */
export async function secretOf(
  { client }: CsiContext,
  reference: SecretReference | undefined,
): Promise<Record<string, string>> {
  if (!reference) return {};
  const { namespace, name } = reference;
  const secret = await client
    .resource('secrets')
    .get({ namespace, name })
    .catch((error) => {
      throw inCsi(`failed to find the secret ${name} in the namespace ${namespace} with error`, error);
    });
  return Object.fromEntries(
    Object.entries(secret.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]),
  );
}

/**
 * What the driver's controller says of the volume that it has attached to this node (WaitForAttach in csi_attacher.go).
 * @throws Error as long as it is not
 */
export async function attachmentOf(
  { client, nodeName }: CsiContext,
  volume: CsiVolume,
): Promise<Record<string, string>> {
  const { handle } = volume;
  const name = attachmentName(volume, nodeName);
  const { metadata, status } = await client
    .resource('volumeattachments.storage.k8s.io')
    .get({ name })
    .catch((error) => {
      const problem = (error as Error).message;
      throw new Error(`volume ${handle} has GET error for volume attachment ${name}: ${problem}`, { cause: error });
    });
  if (metadata.deletionTimestamp) throw new Error('volume attachment is being deleted');
  if (status?.attached) return status.attachmentMetadata ?? {};
  if (status?.attachError) throw new Error(status.attachError.message ?? '');
  throw new Error(`volume ${handle} is not attached for volume attachment ${name}`);
}
