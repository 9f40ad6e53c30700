/** What every step of a driver's volume needs. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import type { Client, EventRecorder } from '@keelson/client';
import { PreparationError } from '../../pods/services.ts';
import { capabilityOf, type VolumeCapability } from './capability.ts';
import type { Driver, NodeCapability } from './driver.ts';
import type { CsiPaths } from './paths.ts';
import type { TokenSource } from './pod-attributes.ts';
import type { DriverRegistry } from './registry.ts';
import type { CsiVolume, SecretReference } from './volume.ts';

export interface CsiContext {
  readonly client: Client;
  readonly recorder: EventRecorder;
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

/** @param what could not be done, as {@link checked} has it. @throws Error where there is no such driver */
export function driverOf({ drivers }: CsiContext, name: string, what: string): Driver {
  return checked(what, () => drivers.get(name));
}

/** The driver, and what it says that it can. @throws Error where there is none, RpcError of the driver's */
export async function askedOf(context: CsiContext, name: string, what: string): Promise<Asked> {
  const driver = driverOf(context, name, what);
  return { driver, can: await driver.capabilities() };
}

/** How the driver is told to use the volume. @param group as the pod wants it: drivers that care for it are told */
export function usageOf(volume: CsiVolume, { can }: Pick<Asked, 'can'>, group?: number): VolumeCapability {
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

/** What could not be done for a pod, as its event has it. */
export function failure(what: string, { name, isBlock }: CsiVolume, error: unknown): PreparationError {
  const message = `${what} for volume "${name}" : ${(error as Error).message}`;
  return new PreparationError(isBlock ? 'FailedMapVolume' : 'FailedMount', message, error);
}
