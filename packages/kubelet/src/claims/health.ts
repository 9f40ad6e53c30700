/** What drivers say of the health of their devices (pkg/kubelet/cm/dra/healthinfo.go). */
import { join } from 'node:path';
import type { World } from '@keelson/client';
import { readIfExists } from '@keelson/component/files';
import { StateFile } from '../state-file.ts';
import type { DeviceHealthMessage } from './messages.ts';

export type Health = 'Healthy' | 'Unhealthy' | 'Unknown';

export interface DeviceHealth {
  readonly health: Health;
  readonly message: string;
}

interface Known extends DeviceHealth {
  readonly pool: string;
  readonly device: string;
  readonly at: number;
  /** What was said longer ago counts no more. */
  readonly timeoutMs: number;
}

const TIMEOUT_MS = 30_000;
const MAX_MESSAGE_BYTES = 1024;
const UNKNOWN: DeviceHealth = { health: 'Unknown', message: '' };
const HEALTHS: Readonly<Record<DeviceHealthMessage['health'], Health>> = {
  HEALTHY: 'Healthy',
  UNHEALTHY: 'Unhealthy',
  UNKNOWN: 'Unknown',
};

/** As upstream stores it; times are nanoseconds. */
type Stored = Record<
  string,
  {
    readonly Devices: Record<
      string,
      {
        readonly PoolName: string;
        readonly DeviceName: string;
        readonly Health: Health;
        readonly LastUpdated: string;
        readonly HealthCheckTimeout: number;
        readonly Message: string;
      }
    > | null;
  }
>;

export class DevicesHealth {
  readonly #world: World;
  readonly #path: string;
  readonly #file: StateFile;
  readonly #drivers = new Map<string, Map<string, Known>>();

  /** @param directory the kubelet's */
  constructor(directory: string, world: World) {
    this.#world = world;
    this.#path = join(directory, 'dra_health_state');
    this.#file = new StateFile(this.#path);
  }

  /** What a kubelet before has heard. What cannot be read is said again by drivers. */
  async restore(): Promise<void> {
    try {
      const stored = JSON.parse((await readIfExists(this.#path)) ?? '{}') as Stored;
      for (const [driver, { Devices }] of Object.entries(stored)) {
        const devices = Object.entries(Devices ?? {}).map(([key, device]) => {
          const at = Date.parse(device.LastUpdated);
          const { PoolName: pool, DeviceName: name, Health: health, Message: message } = device;
          const timeoutMs = device.HealthCheckTimeout / 1e6;
          return [key, { pool, device: name, health, message, at, timeoutMs }] as const;
        });
        this.#drivers.set(driver, new Map(devices));
      }
    } catch (error) {
      this.#world.log.warn({ error }, 'Could not read what was known of the health of devices');
    }
  }

  of(driver: string, pool: string, device: string): DeviceHealth {
    const known = this.#drivers.get(driver)?.get(`${pool}/${device}`);
    return known && this.#world.clock.now() - known.at <= known.timeoutMs ? known : UNKNOWN;
  }

  /** @param devices all of the driver's. @returns whether one is another than before, by pool and name */
  update(driver: string, devices: readonly DeviceHealthMessage[]): (pool: string, device: string) => boolean {
    const now = this.#world.clock.now();
    const before = this.#drivers.get(driver) ?? new Map<string, Known>();
    const after = new Map(before);
    const changed = new Set<string>();
    for (const message of devices) {
      const known = knownOf(message, now);
      const key = `${known.pool}/${known.device}`;
      const old = before.get(key);
      after.set(key, known);
      if (!old || old.health !== known.health || old.message !== known.message || old.timeoutMs !== known.timeoutMs) {
        changed.add(key);
      }
    }
    for (const [key, known] of after) {
      if (known.at === now || known.health === 'Unknown' || now - known.at <= known.timeoutMs) continue;
      after.set(key, { ...known, ...UNKNOWN, at: now });
      changed.add(key);
    }
    this.#drivers.set(driver, after);
    if (changed.size > 0) this.#write();
    return (pool, device) => changed.has(`${pool}/${device}`);
  }

  /** Resolves when nothing is written any more. */
  idle(): Promise<void> {
    return this.#file.idle();
  }

  /** The driver does not tell any more. */
  forget(driver: string): void {
    if (this.#drivers.delete(driver)) this.#write();
  }

  #write(): void {
    this.#file
      .write(() => JSON.stringify(this.#stored()))
      .catch((error) => {
        this.#world.log.warn({ error }, 'Could not write down the health of devices');
      });
  }

  #stored(): Stored {
    const shown = ({ pool, device, health, message, at, timeoutMs }: Known) => ({
      PoolName: pool,
      DeviceName: device,
      Health: health,
      LastUpdated: new Date(at).toISOString(),
      HealthCheckTimeout: timeoutMs * 1e6,
      Message: message,
    });
    return Object.fromEntries(
      Array.from(this.#drivers, ([driver, devices]) => [
        driver,
        { Devices: Object.fromEntries(Array.from(devices, ([key, known]) => [key, shown(known)])) },
      ]),
    );
  }
}

function knownOf({ device, health, message, healthCheckTimeoutSeconds }: DeviceHealthMessage, now: number): Known {
  return {
    pool: device?.poolName ?? '',
    device: device?.deviceName ?? '',
    health: HEALTHS[health] ?? 'Unknown',
    message: cut(message),
    at: now,
    timeoutMs: healthCheckTimeoutSeconds > 0 ? healthCheckTimeoutSeconds * 1000 : TIMEOUT_MS,
  };
}

/** No character is cut in two. */
function cut(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE_BYTES) return message;
  let end = MAX_MESSAGE_BYTES - 3;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end)}...`;
}
