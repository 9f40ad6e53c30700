/** A driver of devices for tests: it prepares claims with names of devices that a runtime can find in a folder (CDI). */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RpcServer } from '@keelson/component/grpc/server';
import { startTestPlugin, type TestPlugin } from '../plugins/testing.ts';
import { type ClaimReference, type DeviceHealthMessage, resourceHealth, SERVICES } from './messages.ts';

export interface TestDriverOptions {
  readonly name: string;
  /** The kubelet's `plugins_registry`; the socket on which it serves is beside it. */
  readonly registry: string;
  /** Of the two sockets; for a second process of the same driver. */
  readonly instance?: string;
  /** Where runtimes look for devices; without it, its devices are none that a runtime knows. */
  readonly cdiDirectory?: string;
  /** What it offers: `v1.DRAPlugin`. */
  readonly services?: readonly string[];
  /** Requests of a claim, each with the device that it gets; without it one device for all. */
  requestsOf?(claim: ClaimReference): readonly string[];
}

export interface TestDriver extends Pick<TestPlugin, 'told'> {
  /** `prepare NAMESPACE/NAME`, `unprepare …`, as they came. */
  readonly calls: readonly string[];
  /** Answered in place of the next calls, until it is taken away. */
  failure: string | undefined;
  /** Says how devices are to whoever listens. */
  say(devices: readonly DeviceHealthMessage[]): void;
  /** Both sockets go. */
  stop(): void;
}

/** A device is `test/device=CLAIM-REQUEST`, of the pool `pool`; a container that has it sees `CLAIM_REQUEST=yes`. */
export async function startTestDriver(options: TestDriverOptions): Promise<TestDriver> {
  const { name, registry, instance = name, cdiDirectory, services = ['v1.DRAPlugin'] } = options;
  const endpoint = join(registry, '..', `${instance}.dra.sock`);
  const calls: string[] = [];
  const listeners = new Set<(devices: readonly DeviceHealthMessage[]) => void>();
  const requestsOf = (claim: ClaimReference) => options.requestsOf?.(claim) ?? [''];
  const file = ({ uid }: ClaimReference) => join(cdiDirectory!, `${name}-${uid}.json`);
  const deviceOf = (claim: ClaimReference, request: string) => [claim.name, request].filter(Boolean).join('-');
  const driver = {
    calls,
    failure: undefined as string | undefined,
    say: (devices: readonly DeviceHealthMessage[]) => {
      for (const listener of listeners) listener(devices);
    },
  };
  const each = async <T>(
    what: string,
    claims: readonly ClaimReference[],
    done: (claim: ClaimReference) => Promise<T>,
  ) => {
    const answers = await Promise.all(
      claims.map(async (claim) => {
        calls.push(`${what} ${claim.namespace}/${claim.name}`);
        return [claim.uid, { ...(await done(claim)), error: driver.failure ?? '' }] as const;
      }),
    );
    return { claims: Object.fromEntries(answers) };
  };
  const server = new RpcServer();
  for (const service of services) {
    const known = SERVICES.get(service);
    if (!known) continue;
    server.add(known, {
      NodePrepareResources: ({ claims }) =>
        each('prepare', claims, async (claim) => {
          const requests = requestsOf(claim);
          const devices = requests.map((request) => deviceOf(claim, request));
          if (cdiDirectory) await writeSpec(cdiDirectory, file(claim), name, devices);
          return {
            devices: requests.map((request, i) => ({
              requestNames: request ? [request] : [],
              poolName: 'pool',
              deviceName: devices[i]!,
              cdiDeviceIds: [`${name}/test=${devices[i]}`],
            })),
          };
        }),
      NodeUnprepareResources: ({ claims }) =>
        each('unprepare', claims, async (claim) => {
          if (cdiDirectory) await rm(file(claim), { force: true });
        }),
    });
  }
  server.add(resourceHealth, {
    async *NodeWatchResources(_, signal) {
      const said: (readonly DeviceHealthMessage[])[] = [];
      let wake = () => {};
      const listener = (devices: readonly DeviceHealthMessage[]) => {
        said.push(devices);
        wake();
      };
      listeners.add(listener);
      signal.addEventListener('abort', () => wake());
      while (!signal.aborted) {
        const devices = said.shift();
        if (devices) yield { devices };
        else await new Promise<void>((resolve) => (wake = resolve));
      }
      listeners.delete(listener);
    },
  });
  await server.listen(endpoint);
  const plugin = await startTestPlugin({
    type: 'DRAPlugin',
    name,
    endpoint,
    supportedVersions: services,
    socket: join(registry, `${instance}.sock`),
  });
  return Object.assign(driver, {
    told: plugin.told,
    stop: () => {
      plugin.stop();
      server.stop();
    },
  });
}

async function writeSpec(directory: string, path: string, vendor: string, devices: readonly string[]): Promise<void> {
  await mkdir(directory, { recursive: true });
  const spec = {
    cdiVersion: '0.3.0',
    kind: `${vendor}/test`,
    devices: devices.map((name) => ({
      name,
      containerEdits: { env: [`${name.toUpperCase().replaceAll('-', '_')}=yes`] },
    })),
  };
  await writeFile(path, JSON.stringify(spec));
}
