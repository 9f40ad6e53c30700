import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { FeatureGateError, parseFeatureGates, UnknownGateError } from '@keelson/component/featuregate/featuregate';
import { knownGates } from '@keelson/component/featuregate/known';
import { kubeApiserverFlags } from '@keelson/component/generated/kube-apiserver-flags';
import { createLogger } from '@keelson/component/logs/logger';
import { Verbosity } from '@keelson/component/logs/verbosity';
import { FlagError, type FlagTable, type FlagValues, meantBy, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { parseCidr } from '../cidr.ts';
import { type Cluster, startCluster } from '../cluster.ts';
import { descriptions } from '../kube-apiserver/flags.ts';
import { storageKind } from '../kube-apiserver/validation.ts';
import { CNI_FOLDER } from '../pod-network/flags.ts';
import { StartupError } from '../startup-error.ts';
import { type Command, tell } from './command.ts';
import type { Io } from './io.ts';

const cluster = { section: 'Cluster' } as const;
const parts = { section: 'Parts' } as const;
const etcd = { section: 'etcd' } as const;

const flags = {
  'data-dir': { type: 'string', ...cluster },
  kubeconfig: { type: 'string', ...cluster },
  'bind-address': { type: 'ip', ...cluster, default: '127.0.0.1' },
  'secure-port': { type: 'int', ...cluster, default: '6443' },
  'service-cluster-ip-range': { type: 'string', ...cluster, default: '10.96.0.0/12' },
  'pod-network-cidr': { type: 'string', ...cluster },
  'runtime-config': { ...kubeApiserverFlags['runtime-config'], ...cluster },
  'feature-gates': { ...kubeApiserverFlags['feature-gates'], ...cluster },
  'audit-policy-file': { type: 'string', ...cluster },
  'audit-log-path': { type: 'string', ...cluster },
  'encryption-provider-config': { type: 'string', ...cluster },
  'encryption-provider-config-automatic-reload': { type: 'bool', ...cluster },
  storage: { type: 'string', ...cluster, values: ['lmdb', 'memory', 'etcd'] },
  'container-runtime-endpoint': { type: 'string', ...parts },
  'cluster-dns': { type: 'strings', ...parts },
  'cni-conf-dir': { type: 'string', ...parts, default: CNI_FOLDER },
  'no-controllers': { type: 'bool', ...parts },
  'no-dns': { type: 'bool', ...parts },
  'no-node': { type: 'bool', ...parts },
  'no-proxy': { type: 'bool', ...parts },
  'no-scheduler': { type: 'bool', ...parts },
  nodes: { type: 'int', ...parts, default: '0' },
  'etcd-servers': { type: 'strings', ...etcd },
  'etcd-cafile': { type: 'string', ...etcd },
  'etcd-certfile': { type: 'string', ...etcd },
  'etcd-keyfile': { type: 'string', ...etcd },
  v: { ...kubeApiserverFlags.v, section: 'Global' },
  help: { ...kubeApiserverFlags.help, section: 'Global' },
} as const satisfies FlagTable;

const head = `Starts a Kubernetes cluster on this machine, in this one process: certificates and an administrator's kubeconfig are
made at the first start, and all data is found again at the next. Ctrl-C ends it.

Usage:
  keelson up [flags]

Examples:
  keelson up                                              # a cluster on this machine; the next start finds it again
  keelson up --nodes=100                                  # with a hundred simulated nodes besides
  keelson up --data-dir=DIR --secure-port=0 --storage=memory --no-node
                                                          # for a test: any free port, nothing kept; DIR/kubeconfig is the way to it
  keelson up --etcd-servers=http://127.0.0.1:2379         # its objects in etcd
`;

/** `keelson up`: runs until the process is asked to end. @returns the exit code */
export async function up(argv: readonly string[], io: Io): Promise<number> {
  const values = read(argv, io);
  if (typeof values === 'number') return values;
  const logger = createLogger({
    format: 'text',
    verbosity: new Verbosity(values.v),
    component: 'keelson',
    pid: process.pid,
    now: () => new Date(),
    write: io.stderr,
  });
  let running: Cluster;
  try {
    const chosen = options(values, io);
    process.title = title(chosen);
    running = await startCluster({ ...chosen, logger, verbosity: values.v });
  } catch (error) {
    tell('keelson up', error, io);
    return 1;
  }
  // Who reads the line may ask for the end at once.
  const asked = new Promise<void>((resolve) => io.onStop(resolve));
  io.stdout(readyLine(running, Math.round(performance.now())));
  try {
    await Promise.race([asked, running.done]);
    return 0;
  } catch (error) {
    logger.error({ err: (error as Error).message }, 'a part of the cluster has ended');
    return 1;
  } finally {
    await saidWhenSlow(running.stop(), io);
  }
}

/** How long an end may take before something is said. */
const PATIENCE_MS = 3_000;

async function saidWhenSlow(end: Promise<void>, io: Io): Promise<void> {
  const word =
    'Ending: what is under way is waited for. A second Ctrl-C ends it at once; what was acknowledged is kept.\n';
  const timer = setTimeout(() => io.stderr(word), PATIENCE_MS);
  await end.finally(() => clearTimeout(timer));
}

/** @returns the exit code, where there is nothing to start */
function read(argv: readonly string[], io: Io): FlagValues<typeof flags> | number {
  try {
    const { values, args } = parseFlags(flags, argv);
    if (args.length > 0) throw new FlagError(`"keelson up" does not take any arguments, got "${args.join(' ')}"`);
    if (!values.help) return values;
    io.stdout(`${head}${usage(flags, command.descriptions, io.columns)}`);
    return 0;
  } catch (error) {
    tell('keelson up', error, io);
    return 1;
  }
}

const ownDescriptions = {
  'data-dir':
    'Where the cluster lives: its objects, keys and certificates. Default: ~/.local/share/keelson, or $XDG_DATA_HOME/keelson.',
  kubeconfig:
    'Where to write the access of the administrator; what else is in the file stays. Default: kubeconfig in --data-dir.',
  'feature-gates':
    'Features of API server, controllers and scheduler to switch on or off: HPAScaleToZero=true. docs/feature-gates.md has them.',
  'service-cluster-ip-range': 'Addresses of services, as CIDR; two of different families for dual stack.',
  'pod-network-cidr':
    'Addresses of pods, as CIDR; two of different families for dual stack. Default: none, pods have the network of the machine.',
  'container-runtime-endpoint':
    "Socket of the runtime that runs this machine's containers (CRI), which has to answer; 'simulated': pods run without containers. Default: containerd's where it answers, and else simulated.",
  'cluster-dns':
    "Addresses of DNS servers for pods, such as that of a CoreDNS service, in the place of the cluster's own server.",
  'cni-conf-dir': 'Where the container runtime looks for networks; with --pod-network-cidr theirs is written there.',
  'no-dns': "Leave the name server out: pods have those of --cluster-dns, or this machine's.",
  'no-proxy': 'Leave the proxy out: nothing leads addresses of services to their pods, but what you start yourself.',
  'no-node': 'Leave the node of this machine out.',
  'no-controllers': 'Leave the controllers out: nothing acts on deployments, jobs, namespaces…',
  'no-scheduler': 'Leave the scheduler out: pods wait until something else binds them to a node.',
  nodes: 'How many simulated nodes to add: pods run on them without containers, as annotations say.',
  'bind-address': 'Address to listen on; 0.0.0.0 is reached from other machines too.',
  'secure-port': 'The HTTPS port; 0 for one that is free, which the ready line and the kubeconfig name.',
} as const;

export const command: Command = { flags, descriptions: { ...descriptions, ...ownDescriptions }, run: up };

function options(values: FlagValues<typeof flags>, io: Io) {
  const dataDirectory = resolve(values['data-dir'] || defaultDataDirectory(io.env));
  const storage = storageKind(values);
  if (storage === undefined) {
    throw new StartupError(`--storage ${values.storage} is unknown`, 'choose lmdb, memory or etcd');
  }
  if (storage === 'etcd' && values['etcd-servers'].length === 0) {
    throw new StartupError(
      '--storage=etcd does not say where etcd is',
      'add --etcd-servers=http://127.0.0.1:2379, say',
    );
  }
  return {
    dataDirectory,
    storage,
    kubeconfig: resolve(values.kubeconfig || join(dataDirectory, 'kubeconfig')),
    bindAddress: values['bind-address'],
    port: portOf(values['secure-port']),
    serviceRange: values['service-cluster-ip-range'],
    etcd: {
      servers: values['etcd-servers'],
      caFile: values['etcd-cafile'],
      certFile: values['etcd-certfile'],
      keyFile: values['etcd-keyfile'],
    },
    runtimeConfig: values['runtime-config'],
    audit: { policyFile: values['audit-policy-file'], logPath: values['audit-log-path'] },
    encryption: {
      configFile: values['encryption-provider-config'],
      automaticReload: values['encryption-provider-config-automatic-reload'],
    },
    parts: {
      controllers: !values['no-controllers'],
      scheduler: !values['no-scheduler'],
      node: values['no-node'] ? undefined : nodeOf(values),
      podRange: podRangeOf(values['pod-network-cidr']),
      featureGates: gatesOf(values['feature-gates']),
      simulatedNodes: simulatedNodesOf(values.nodes),
    },
  };
}

/** @throws StartupError */
function portOf(port: number): number {
  if (port >= 0 && port <= 65_535) return port;
  throw new StartupError(`--secure-port ${port} is no port`, 'give one from 1 to 65535, or 0 for one that is free');
}

/** @throws StartupError */
function podRangeOf(text: string): string {
  const wrong = text.split(',').find((part) => parseCidr(part) === undefined);
  if (text === '' || wrong === undefined) return text;
  throw new StartupError(`--pod-network-cidr ${text} is no CIDR`, 'give one like 10.244.0.0/16');
}

/** @throws StartupError */
function gatesOf(gates: FlagValues<typeof flags>['feature-gates']) {
  try {
    parseFeatureGates(gates);
    return gates;
  } catch (error) {
    if (!(error instanceof FeatureGateError)) throw error;
    const meant = error instanceof UnknownGateError ? meantBy(error.gate, Object.keys(knownGates)) : undefined;
    throw new StartupError(
      `--feature-gates: ${error.message}`,
      meant === undefined
        ? 'write NAME=true or NAME=false, separated by commas; docs/feature-gates.md has the names'
        : `write ${meant}, if that is what is meant`,
    );
  }
}

/** @throws StartupError */
function simulatedNodesOf(nodes: number): number {
  if (nodes < 0) throw new StartupError(`--nodes ${nodes} is less than none`, 'give 0 or more');
  return nodes;
}

/** @throws StartupError */
function clusterDnsOf(addresses: readonly string[]): readonly string[] {
  const wrong = addresses.find((address) => isIP(address) === 0);
  if (wrong !== undefined)
    throw new StartupError(`--cluster-dns ${wrong} is no IP address`, 'give one like 10.96.0.10');
  return addresses;
}

const nodeOf = (values: FlagValues<typeof flags>) => ({
  runtimeEndpoint: values['container-runtime-endpoint'] || undefined,
  clusterDns: clusterDnsOf(values['cluster-dns']),
  cniFolder: values['cni-conf-dir'],
  proxy: !values['no-proxy'],
  dns: !values['no-dns'],
});

/** What `ps` shows. */
function title({ dataDirectory, storage, bindAddress, port }: ReturnType<typeof options>): string {
  return `keelson up --data-dir=${dataDirectory} --storage=${storage} --bind-address=${bindAddress} --secure-port=${port}`;
}

function defaultDataDirectory(env: Io['env']): string {
  return join(env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'keelson');
}

function readyLine(running: Cluster, milliseconds: number): string {
  const kubectl = running.currentContext ? 'kubectl' : 'kubectl --context keelson';
  const node =
    running.node === undefined
      ? ''
      : ` with a node on ${running.node === 'simulated' ? 'no runtime (simulated)' : running.node}`;
  return `Keelson is ready at ${running.url} after ${milliseconds} ms${node}. Next: export KUBECONFIG=${shellQuoted(running.kubeconfig)}; ${kubectl} get ns\n`;
}

const shellQuoted = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
