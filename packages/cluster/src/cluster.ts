import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { GATES } from '@keelson/apiserver/gates';
import { parseFeatureGates } from '@keelson/component/featuregate/featuregate';
import type { Logger } from '@keelson/component/logs/logger';
import { parseFlags } from '@keelson/component/pflag/flags';
import type { Running } from '@keelson/component/running';
import { GATES as CONTROLLER_GATES } from '@keelson/controllers/gates';
import { GATES as SCHEDULER_GATES } from '@keelson/scheduler/gates';
import { isUnspecified } from './addresses.ts';
import { addressAt, parseCidr } from './cidr.ts';
import { expectOurs, fileFault, prepareDirectory, storeDirectoryIn } from './data-directory.ts';
import { DNS_OFFSET } from './dns/service.ts';
import { tellIdleGates } from './feature-gates.ts';
import type { Given } from './kube-apiserver/flags.ts';
import { flags, type Values } from './kube-apiserver/flags.ts';
import { openStoreOf, startServer } from './kube-apiserver/server.ts';
import { validate } from './kube-apiserver/validation.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import type { NodeKind } from './node.ts';
import type { Parts } from './parts.ts';
import { startPartsThread } from './parts-thread.ts';
import { ClusterPki, ensureClusterPki, servingNames } from './pki/cluster-pki.ts';
import { StartupError } from './startup-error.ts';

export interface ClusterOptions {
  /** Absolute path. */
  readonly dataDirectory: string;
  readonly storage: 'lmdb' | 'memory' | 'etcd';
  readonly etcd: {
    readonly servers: readonly string[];
    readonly caFile: string;
    readonly certFile: string;
    readonly keyFile: string;
  };
  /** File to write the administrator's access to. */
  readonly kubeconfig: string;
  readonly bindAddress: string;
  /** 0 for one that is free. */
  readonly port: number;
  /** CIDR of service addresses, or two for dual stack, comma separated. */
  readonly serviceRange: string;
  readonly runtimeConfig: ReadonlyMap<string, string>;
  /** Files of the API server's audit; empty for none. */
  readonly audit: { readonly policyFile: string; readonly logPath: string };
  /** How its objects are encrypted in the store; no file: not at all. */
  readonly encryption: { readonly configFile: string; readonly automaticReload: boolean };
  /** What runs beside the API server. */
  readonly parts: Parts;
  readonly logger: Logger;
  /** Of the log (`--v`). */
  readonly verbosity: number;
}

/** A running cluster. `stop` ends it: first its parts, then no new requests, running ones finish, the data is closed. */
export interface Cluster extends Running {
  readonly url: string;
  readonly kubeconfig: string;
  /** Whether a plain kubectl with that kubeconfig reaches this cluster. */
  readonly currentContext: boolean;
  /** What this machine's node runs containers with; undefined where there is no such node. */
  readonly node: NodeKind | undefined;
}

/**
 * Starts all of a cluster's components in this process, on the data that the directory holds.
 * @throws StartupError
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const range = parseCidr(options.serviceRange.split(',')[0]!);
  if (range === undefined) {
    throw new StartupError(
      `--service-cluster-ip-range ${options.serviceRange} is no CIDR`,
      'give one like 10.96.0.0/12',
    );
  }
  const pki = new ClusterPki(join(options.dataDirectory, 'pki'));
  const settings = apiServerSettings(options, pki, options.port || (await freePort(options.bindAddress)));
  const values = { ...parseFlags(flags, []).values, ...settings };
  const errors = validate(values, new Set(Object.keys(settings)) as Given);
  if (errors.length > 0) throw new StartupError(errors.join('; '), "see 'keelson up --help'");
  const gates = parseFeatureGates(options.parts.featureGates);
  tellIdleGates(gates, [...GATES, ...CONTROLLER_GATES, ...SCHEDULER_GATES], options.logger);
  expectOurs(options.dataDirectory);
  await prepareDirectory(options.dataDirectory);
  // First, since it takes the directory for this process alone.
  const store = await openStoreOf(values);
  const nodeName = hostname().toLowerCase();
  const names = servingNames(addressAt(range, 1), [hostname(), ...listenAddresses(options.bindAddress)]);
  const server = await startServer(values, {
    store,
    logger: options.logger,
    prepareFiles: () => ensureClusterPki(pki, names, nodeName, new Date()),
  });
  const url = `https://${urlHost(options.bindAddress)}:${server.port}`;
  const currentContext = await writeAccess(options.kubeconfig, url, pki).catch(async (error: Error) => {
    await server.stop();
    throw new StartupError(
      `cannot write the kubeconfig ${options.kubeconfig}: ${fileFault(error)}`,
      'choose another --kubeconfig',
    );
  });
  const situation = {
    pkiDirectory: pki.directory,
    dataDirectory: options.dataDirectory,
    nodeName,
    dnsAddress: addressAt(range, DNS_OFFSET),
    nodeAddress: listenAddresses('0.0.0.0')[0] ?? '127.0.0.1',
    verbosity: options.verbosity,
    ...identityOf(options),
  };
  const parts = await startPartsThread(server, situation, options.parts).catch(async (error: Error) => {
    await server.stop();
    throw error;
  });
  return {
    url,
    kubeconfig: options.kubeconfig,
    currentContext,
    node: parts.node,
    done: parts.done,
    stop: async () => {
      await parts.stop();
      await server.stop();
    },
  };
}

/** An embedded store belongs to one process: whoever held a lease in it before is gone. */
function identityOf({ storage, dataDirectory }: ClusterOptions): { identity?: string } {
  return storage === 'etcd' ? {} : { identity: `${hostname()}_${dataDirectory}` };
}

/** The API server's flags, as kubeadm sets them. */
function apiServerSettings(options: ClusterOptions, pki: ClusterPki, port: number) {
  const { etcd } = options;
  return {
    'allow-privileged': true,
    'authorization-mode': ['Node', 'RBAC'],
    'bind-address': options.bindAddress,
    'client-ca-file': pki.certificateFile('ca'),
    'enable-admission-plugins': ['NodeRestriction'],
    // Without nftables nothing carries packets to service addresses.
    'enable-aggregator-routing': true,
    'enable-bootstrap-token-auth': true,
    'kubelet-client-certificate': pki.certificateFile('apiserver-kubelet-client'),
    'kubelet-client-key': pki.keyFile('apiserver-kubelet-client'),
    'kubelet-preferred-address-types': ['InternalIP', 'ExternalIP', 'Hostname'],
    'proxy-client-cert-file': pki.certificateFile('front-proxy-client'),
    'proxy-client-key-file': pki.keyFile('front-proxy-client'),
    'requestheader-allowed-names': ['front-proxy-client'],
    'requestheader-client-ca-file': pki.certificateFile('front-proxy-ca'),
    'requestheader-extra-headers-prefix': ['X-Remote-Extra-'],
    'requestheader-group-headers': ['X-Remote-Group'],
    'requestheader-username-headers': ['X-Remote-User'],
    'feature-gates': options.parts.featureGates,
    'runtime-config': options.runtimeConfig,
    'audit-policy-file': options.audit.policyFile,
    'audit-log-path': options.audit.logPath,
    'encryption-provider-config': options.encryption.configFile,
    'encryption-provider-config-automatic-reload': options.encryption.automaticReload,
    'secure-port': port,
    'service-account-issuer': ['https://kubernetes.default.svc.cluster.local'],
    'service-account-key-file': [pki.serviceAccountPublicKeyFile],
    'service-account-signing-key-file': pki.serviceAccountKeyFile,
    'service-cluster-ip-range': options.serviceRange,
    'tls-cert-file': pki.certificateFile('apiserver'),
    'tls-private-key-file': pki.keyFile('apiserver'),
    storage: options.storage,
    'data-dir': storeDirectoryIn(options.dataDirectory),
    'etcd-servers': etcd.servers,
    'etcd-cafile': etcd.caFile,
    'etcd-certfile': etcd.certFile,
    'etcd-keyfile': etcd.keyFile,
    'storage-initialization-timeout': 5_000,
  } satisfies Partial<Values>;
}

/** What the server is told, and others by it, has to be known before it listens. @throws StartupError */
async function freePort(address: string): Promise<number> {
  const probe = createServer();
  try {
    await once(probe.listen(0, address), 'listening');
    return (probe.address() as AddressInfo).port;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new StartupError(
      code === 'EADDRNOTAVAIL'
        ? `${address} is no address of this machine`
        : `no port of ${address} is free: ${message}`,
      'choose another --bind-address',
    );
  } finally {
    probe.close();
  }
}

/** The addresses of this machine that a server bound to `address` is reached by. */
function listenAddresses(address: string): string[] {
  if (!isUnspecified(address)) return [address];
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.filter(({ internal, scopeid }) => !internal && !scopeid).map((entry) => entry.address);
}

/** The host part of a URL at which this machine reaches a server bound to `address`. */
function urlHost(address: string): string {
  if (isUnspecified(address)) return '127.0.0.1';
  return address.includes(':') ? `[${address}]` : address;
}

async function writeAccess(file: string, server: string, pki: ClusterPki): Promise<boolean> {
  const [ca, admin] = await Promise.all([readFile(pki.certificateFile('ca'), 'utf8'), pki.read('admin')]);
  return writeKubeconfig(file, {
    name: 'keelson',
    server,
    certificateAuthority: ca,
    clientCertificate: admin!.certificate,
    clientKey: admin!.key,
  });
}
