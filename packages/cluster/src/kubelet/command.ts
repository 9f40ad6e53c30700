import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Logger } from '@keelson/component/logs/logger';
import { flagTexts } from '@keelson/component/pflag/flags';
import { type Running, together } from '@keelson/component/running';
import { servePlain } from '@keelson/component/serving/plain';
import { type Environment, notifier, watchdogTimeout } from '@keelson/component/systemd/notify';
import { startWatchdog } from '@keelson/component/systemd/watchdog';
import { defaultAddresses, type KubeletView, type ServerFactory } from '@keelson/kubelet';
import { GATES } from '@keelson/kubelet/gates';
import { type Component, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import type { LoggingFile } from '../commands/logging.ts';
import { componentMetrics } from '../component-metrics.ts';
import { rateLimitOf } from '../connection.ts';
import { COMMON_GATES, tellIdleGates } from '../feature-gates.ts';
import { SIMULATED } from '../node.ts';
import { StartupError } from '../startup-error.ts';
import { pagesOf } from '../zpages.ts';
import { nodeClient } from './client.ts';
import { configurationOf, type KubeletConfiguration } from './configuration.ts';
import { credentialProviders } from './credential-providers.ts';
import { readKubeletFile } from './file.ts';
import { descriptions, flags, type Values } from './flags.ts';
import { clientAuthorities, serveWith, servingCertificate } from './serving.ts';
import { openTracing } from './tracing.ts';

type Settings = Omit<KubeletConfiguration, 'housekeeping' | 'resources'>;

const component: Component<typeof flags> = {
  name: 'kubelet',
  summary:
    'The kubelet: has the pods that are bound to this machine run by its container runtime, and tells the cluster how they are.',
  flags,
  descriptions,
  validate: (values) =>
    [
      values.kubeconfig === '' && '--kubeconfig FILE says where the API server is',
      values['bootstrap-kubeconfig'] !== '' && values.kubeconfig === '' && '--kubeconfig FILE is where access is kept',
    ].filter((message) => message !== false),
  loggingFile: async (values) => (await readKubeletFile<LoggingFile>(values.config, values['config-dir'])).file,
  async start(values, given, logger, verbosity) {
    const { housekeeping, resources, ...configuration } = await configurationOf(values, given);
    const ports: Running[] = [];
    const watchdogMs = watchdogOf(process.env);
    let served: KubeletView | undefined;
    let isStarted = false;
    if (watchdogMs !== undefined) {
      // Of a start that takes long nobody knows whether it goes well.
      const problems = () => (isStarted ? served!.problems() : []);
      ports.push(startWatchdog({ timeoutMs: watchdogMs, problems, notify: notifier(process.env), logger }));
    }
    const { skippedFiles, faults } = configuration;
    for (const { path, problem } of faults)
      logger.warn({ err: problem, path }, 'Using lenient decoding as strict decoding failed');
    if (skippedFiles.length > 0)
      logger.warn({ files: skippedFiles }, 'Files of --config-dir without the ending .conf are not read');
    const nodeName = (values['hostname-override'] || hostname()).toLowerCase();
    const { gates } = configuration;
    const { isEnabled } = gates;
    tellIdleGates(gates, [...COMMON_GATES, ...GATES], logger);
    const { registry: metrics, clients } = componentMetrics(gates);
    const { client, rotation } = await nodeClient({
      kubeconfig: values.kubeconfig,
      bootstrapKubeconfig: values['bootstrap-kubeconfig'],
      certificateDirectory: values['cert-dir'],
      rotate: configuration.rotateCertificates ?? false,
      nodeName,
      rateLimit: rateLimitOf(values, given),
      logger,
      metrics: clients,
      registry: metrics,
      streamsLists: gates.enabled('WatchListClient'),
    });
    const [{ startKubelet, startSimulatedNodes }, { CriRuntime }, servers] = await Promise.all([
      import('@keelson/kubelet'),
      import('@keelson/kubelet/runtime/cri/runtime'),
      import('@keelson/kubelet/server/server'),
    ]);
    const endpoint = configuration.containerRuntimeEndpoint!;
    const [providerFile, programs] = [
      values['image-credential-provider-config'],
      values['image-credential-provider-bin-dir'],
    ];
    const providers = await credentialProviders(providerFile, programs, isEnabled);
    const tracing = await openTracing(configuration, nodeName, logger);
    const nodeIps = values['node-ip'] === '' ? undefined : values['node-ip'].split(',');
    const certificate = await servingCertificate({
      files: { cert: configuration.tlsCertFile ?? '', key: configuration.tlsPrivateKeyFile ?? '' },
      client,
      bootstrap: configuration.serverTLSBootstrap ?? false,
      directory: values['cert-dir'],
      nodeName,
      names: [...new Set([nodeName, ...(nodeIps ?? defaultAddresses())])],
      logger,
      metrics,
    });
    const authorities = clientAuthorities(configuration.clientCaFile ?? '', logger);
    const server: ServerFactory = async (view) => {
      served = view;
      const health = await serveHealth(view, configuration, logger);
      if (health) ports.push(health);
      const { readOnlyPort = 0, address: host } = configuration;
      if (readOnlyPort !== 0) {
        ports.push(await servers.startReadOnlyServer(view, { host: host!, port: readOnlyPort, metrics }));
      }
      const port = await servers.startKubeletServer(view, {
        access: configuration.access,
        host: configuration.address!,
        port: configuration.port!,
        certificate: certificate.certificate,
        ...(authorities ? { clientCa: authorities.pem } : {}),
        client,
        metrics,
        ...(housekeeping.systemLogs && endpoint !== SIMULATED ? { systemLogs: servers.SYSTEM_LOGS } : {}),
        systemLogQueries: housekeeping.systemLogQueries,
        configuration: configuration.shown,
        debug: {
          profiles: configuration.enableProfilingHandler ?? true,
          verbosity: configuration.enableDebugFlagsHandler === false ? undefined : verbosity,
        },
        pages: pagesOf({ component: 'kubelet', flags: flagTexts(flags, values), paths: servers.LISTED_PATHS, gates }),
      });
      return serveWith(certificate, authorities, port);
    };
    const kubelet =
      endpoint === SIMULATED
        ? await startSimulatedNodes({ client, clientFor: () => client, names: [nodeName], server })
        : await startKubelet({
            ...optionsOf(values, configuration),
            credentialProviders: providers,
            nodeIps,
            ...(configuration.staticPodPath ? { podRules: (await import('./pod-rules.ts')).podRules(isEnabled) } : {}),
            isEnabled,
            ...housekeeping,
            ...resources,
            metrics,
            tracing,
            client,
            nodeName,
            runtime: new CriRuntime(endpoint, { metrics, tracing }),
            server,
          }).catch(explained);
    isStarted = true;
    const traces = tracing ? [{ done: Promise.resolve(), stop: () => tracing.close() }] : [];
    return together([kubelet, ...(rotation ? [rotation] : []), ...ports, ...traces]);
  },
};

/** `kubelet`: runs until the process is asked to end. @returns the exit code */
export const kubelet = (argv: readonly string[], io: Io): Promise<number> => runComponent(component, argv, io);

function optionsOf(values: Values, configuration: Settings) {
  const { staticPodPath, cgroupDriver, clusterDNS, nodeLeaseDurationSeconds, nodeStatusUpdateMs } = configuration;
  return {
    rootDirectory: resolve(values['root-dir']),
    podLogsDirectory: configuration.podLogsDir,
    logLinksDirectory: '/var/log/containers',
    labels: Object.fromEntries(values['node-labels']),
    taints: configuration.registerWithTaints ?? [],
    maxPods: configuration.maxPods,
    providerId: configuration.providerID,
    clusterDns: clusterDNS,
    clusterDomain: configuration.clusterDomain,
    resolvConf: configuration.resolvConf,
    staticPodPath: staticPodPath ? resolve(staticPodPath) : undefined,
    cgroupDriver: cgroupDriver === 'systemd' ? ('systemd' as const) : ('cgroupfs' as const),
    seccompDefault: configuration.seccompDefault,
    allowedUnsafeSysctls: configuration.allowedUnsafeSysctls,
    serializeImagePulls: configuration.serializeImagePulls,
    statusMs: nodeStatusUpdateMs,
    leaseSeconds: nodeLeaseDurationSeconds,
    shutdownPeriods: configuration.shutdownPeriods,
    crashLoop: configuration.crashLoop,
    imageVerification: configuration.imageVerification,
    userNamespaceIds: configuration.userNamespaces?.idsPerPod,
  };
}

/** Within how many milliseconds systemd wants to hear of the kubelet. @throws StartupError */
function watchdogOf(environment: Environment): number | undefined {
  try {
    return watchdogTimeout(environment, process.pid);
  } catch (error) {
    throw new StartupError((error as Error).message, 'correct WatchdogSec= of the unit');
  }
}

/** The port without TLS that whoever watches over the process asks. */
async function serveHealth(
  view: KubeletView,
  { healthzBindAddress: host = '127.0.0.1', healthzPort: port = 0 }: Settings,
  logger: Logger,
): Promise<Running | undefined> {
  if (port === 0) return undefined;
  const answer = () => {
    const problems = view.problems();
    return problems.length === 0 ? { body: 'ok' } : { status: 500, body: problems.join('\n') };
  };
  return servePlain({ host, port }, (path) => (path.startsWith('/healthz') ? answer() : undefined)).catch(
    (error: Error) => {
      logger.error({ err: error.message }, 'The port of /healthz is not served');
      return undefined;
    },
  );
}

function explained(error: Error): never {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') throw new StartupError(error.message, 'stop what listens there, or choose another --port');
  if (code === 'Unavailable')
    throw new StartupError(
      `no container runtime answers: ${error.message}`,
      'start it, or correct --container-runtime-endpoint',
    );
  throw error;
}
