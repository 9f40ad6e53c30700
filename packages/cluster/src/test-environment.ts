import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { readYaml, yamlDocuments } from '@keelson/api/codec/yaml';
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import { type Client, connect, type Draft, loadKubeconfig, sleep, systemWorld } from '@keelson/client';
import { createLogger } from '@keelson/component/logs/logger';
import { Verbosity } from '@keelson/component/logs/verbosity';
import { parseFlags } from '@keelson/component/pflag/flags';
import { type Cluster, startCluster } from './cluster.ts';
import { readFault } from './data-directory.ts';
import { flags } from './kube-apiserver/flags.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { issue } from './pki/certificate.ts';
import { ClusterPki } from './pki/cluster-pki.ts';
import { StartupError } from './startup-error.ts';

export interface TestEnvironmentOptions {
  /** Files of custom resource definitions (YAML or JSON), or folders of them; all are served before the start resolves. */
  readonly definitions?: readonly string[];
  /** Whether controllers act on deployments, jobs, namespaces… Without them what is made stays as it is. */
  readonly controllers?: boolean;
  /** Whether pods get nodes. */
  readonly scheduler?: boolean;
  /** How many simulated nodes there are. 0 by default. */
  readonly nodes?: number;
  /** Gets each line of the log; by default nobody does. */
  readonly log?: (line: string) => void;
  /** As `--v`. */
  readonly verbosity?: number;
}

/** A control plane of a test's own, on a free port of the loopback address; all of it is gone after `stop`. */
export interface TestEnvironment extends AsyncDisposable {
  readonly url: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** A client of the administrator's. */
  readonly client: Client;
  /** A user of these groups, who may do what RBAC says. @returns the path of a kubeconfig */
  addUser(name: string, groups?: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** How long the definitions may take to be served. */
const DEFINITIONS_MS = 10_000;

/**
 * Starts an API server with an empty store in memory, in this process, and what of a cluster is asked for besides.
 * @throws StartupError, or a StatusError for a definition that is refused
 */
export async function startTestEnvironment(options: TestEnvironmentOptions = {}): Promise<TestEnvironment> {
  const definitions = await readDefinitions(options.definitions ?? []);
  const directory = await mkdtemp(join(tmpdir(), 'keelson-test-environment-'));
  let cluster: Cluster | undefined;
  let client: Client | undefined;
  const stop = async () => {
    client?.close();
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    cluster = await startCluster(clusterOptions(directory, options));
    client = connect(await loadKubeconfig(cluster.kubeconfig), { component: 'test', world: systemWorld() });
    await serve(client, definitions);
    const { url, kubeconfig } = cluster;
    const addUser = (name: string, groups: readonly string[] = []) => writeUser(directory, url, name, groups);
    return { url, kubeconfig, client, addUser, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function clusterOptions(directory: string, options: TestEnvironmentOptions) {
  const { controllers = false, scheduler = false, nodes = 0, log = () => {}, verbosity = 0 } = options;
  const { values } = parseFlags(flags, []);
  return {
    dataDirectory: directory,
    storage: 'memory',
    etcd: { servers: [], caFile: '', certFile: '', keyFile: '' },
    kubeconfig: join(directory, 'kubeconfig'),
    bindAddress: '127.0.0.1',
    port: 0,
    serviceRange: '10.96.0.0/12',
    runtimeConfig: values['runtime-config'],
    audit: { policyFile: '', logPath: '' },
    encryption: { configFile: '', automaticReload: false },
    parts: {
      controllers,
      scheduler,
      node: undefined,
      podRange: '',
      featureGates: values['feature-gates'],
      simulatedNodes: nodes,
    },
    logger: createLogger({
      format: 'text',
      verbosity: new Verbosity(verbosity),
      component: 'keelson',
      pid: process.pid,
      now: () => new Date(),
      write: log,
    }),
    verbosity,
  } as const;
}

/** Of files that hold other kinds too, these are left alone. */
async function readDefinitions(paths: readonly string[]): Promise<Draft<CustomResourceDefinition>[]> {
  const files = (await Promise.all(paths.map(filesOf))).flat();
  const objects = (await Promise.all(files.map(objectsOf))).flat();
  return objects
    .filter((object) => object !== null && object !== undefined)
    .filter(({ kind }) => kind === 'CustomResourceDefinition');
}

/** @throws StartupError */
async function objectsOf(file: string): Promise<(Draft<CustomResourceDefinition> | null | undefined)[]> {
  try {
    return yamlDocuments(await readFile(file, 'utf8')).map((document) => readYaml(document) as object);
  } catch (error) {
    throw new StartupError(`cannot read definitions from ${resolve(file)}: ${readFault(error)}`, 'correct it');
  }
}

/** @throws StartupError */
async function filesOf(path: string): Promise<string[]> {
  const found = await stat(path).catch((error: unknown) => {
    const why = `cannot read definitions from ${resolve(path)}: ${readFault(error)}`;
    throw new StartupError(why, 'correct the option definitions');
  });
  if (!found.isDirectory()) return [path];
  const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name));
  return names.sort().map((name) => join(path, name));
}

/** @throws StatusError, StartupError */
async function serve(client: Client, definitions: readonly Draft<CustomResourceDefinition>[]): Promise<void> {
  const resource = client.resource('customresourcedefinitions.apiextensions.k8s.io');
  const { clock } = client.world;
  const deadline = clock.now() + DEFINITIONS_MS;
  await Promise.all(
    definitions.map(async (definition) => {
      let { metadata, status } = await resource.create(definition);
      const said = (type: string) => status?.conditions?.find((condition) => condition.type === type);
      while (said('Established')?.status !== 'True') {
        if (clock.now() > deadline) {
          const why = said('NamesAccepted')?.message ?? said('Established')?.message ?? 'nothing is said of it';
          throw new StartupError(`the definition ${metadata.name} is not served: ${why}`, 'correct it');
        }
        await sleep(clock, 20);
        ({ metadata, status } = await resource.get({ name: metadata.name! }));
      }
    }),
  );
}

async function writeUser(directory: string, server: string, name: string, groups: readonly string[]): Promise<string> {
  const authority = (await new ClusterPki(join(directory, 'pki')).read('ca'))!;
  const profile = { commonName: name, organizations: groups, usage: 'client' } as const;
  const { certificate, key } = await issue(profile, authority, new Date());
  const kubeconfig = join(directory, `kubeconfig-${encodeURIComponent(name)}`);
  await writeKubeconfig(kubeconfig, {
    name: 'keelson',
    server,
    certificateAuthority: authority.certificate,
    clientCertificate: certificate,
    clientKey: key,
  });
  return kubeconfig;
}
