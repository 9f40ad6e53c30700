/** Reads a KubeSchedulerConfiguration, with defaults for what it does not say (pkg/scheduler/apis/config/v1). */
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { ConfigFileError, ConfigObject } from '@keelson/component/configfile';
import { type Extension, extensions } from '../framework/places.ts';
import { readArgs } from './args.ts';
import {
  DEFAULT_SCHEDULER_NAME,
  defaultArgs,
  defaultClientConnection,
  defaultLeaderElection,
  defaultPluginsConfiguration,
} from './defaults.ts';
import type {
  ClientConnectionConfiguration,
  EnabledPlugin,
  ExtenderConfiguration,
  ExtenderTls,
  LeaderElectionConfiguration,
  PluginSet,
  PluginsConfiguration,
  ProfileConfiguration,
  SchedulerConfiguration,
} from './types.ts';
import { validateConfiguration } from './validation.ts';

const GROUP = 'kubescheduler.config.k8s.io';

/** @param bytes YAML or JSON. @throws ConfigFileError for what makes no sense */
export function parseConfiguration(bytes: Uint8Array): SchedulerConfiguration {
  const { value, duplicates } = decode(bytes);
  if (duplicates.length > 0) throw new ConfigFileError(`strict decoding error: ${duplicates.join(', ')}`);
  const file = new ConfigObject(value).expectKind(GROUP, ['v1'], 'KubeSchedulerConfiguration');
  const profiling = file.boolean('enableProfiling', true);
  const profiles = file.objects('profiles');
  const configuration: SchedulerConfiguration = {
    parallelism: file.integer('parallelism', 16),
    percentageOfNodesToScore: file.integer('percentageOfNodesToScore'),
    podInitialBackoffSeconds: file.integer('podInitialBackoffSeconds', 1),
    podMaxBackoffSeconds: file.integer('podMaxBackoffSeconds', 10),
    profiles:
      profiles.length === 0
        ? [readProfile(new ConfigObject({}), true)]
        : profiles.map((each) => readProfile(each, profiles.length === 1)),
    extenders: file.objects('extenders').map(readExtender),
    leaderElection: readLeaderElection(file.object('leaderElection')),
    clientConnection: readClientConnection(file.object('clientConnection')),
    enableProfiling: profiling,
    enableContentionProfiling: file.boolean('enableContentionProfiling', profiling),
    delayCacheUntilActive: file.boolean('delayCacheUntilActive'),
  };
  file.expectNothingElse();
  validateConfiguration(configuration);
  return configuration;
}

function decode(bytes: Uint8Array) {
  try {
    return decodeYamlDocument(bytes);
  } catch (error) {
    throw new ConfigFileError((error as Error).message);
  }
}

function readProfile(profile: ConfigObject, alone: boolean): ProfileConfiguration {
  const percentage = profile.raw('percentageOfNodesToScore');
  const plugins = mergePlugins(profile.object('plugins'));
  const args = new Map<string, unknown>(Object.entries(defaultArgs));
  const named = new Set<string>();
  for (const config of profile.objects('pluginConfig')) {
    const name = config.string('name');
    if (named.has(name)) throw new ConfigFileError(`repeated config for plugin ${name}`);
    named.add(name);
    args.set(name, readArgs(name, config.raw('args')));
    config.expectNothingElse();
  }
  const read: ProfileConfiguration = {
    schedulerName: profile.string('schedulerName', alone ? DEFAULT_SCHEDULER_NAME : ''),
    plugins,
    args,
    ...(percentage === undefined ? {} : { percentageOfNodesToScore: profile.integer('percentageOfNodesToScore') }),
  };
  profile.expectNothingElse();
  return read;
}

function mergePlugins(custom: ConfigObject): PluginsConfiguration {
  const defaults = defaultPluginsConfiguration();
  const places = [...extensions, 'multiPoint'] as const;
  const merged = {} as Record<Extension | 'multiPoint', PluginSet>;
  for (const place of places) merged[place] = mergeSet(defaults[place], readSet(custom.object(place)));
  custom.expectNothingElse();
  return merged;
}

function readSet(set: ConfigObject): PluginSet {
  const read = {
    enabled: set.objects('enabled').map(readPlugin),
    disabled: set.objects('disabled').map(readPlugin),
  };
  set.expectNothingElse();
  return read;
}

function readPlugin(plugin: ConfigObject): EnabledPlugin {
  const weight = plugin.integer('weight');
  const read = { name: plugin.string('name'), ...(weight === 0 ? {} : { weight }) };
  plugin.expectNothingElse();
  return read;
}

/** What is enabled anew stands where the default stood; the rest comes after. */
function mergeSet(defaults: PluginSet, custom: PluginSet): PluginSet {
  const disabled = [...custom.disabled, ...defaults.disabled];
  const isDisabled = (name: string) => disabled.some((each) => each.name === name || each.name === '*');
  const kept = defaults.enabled.filter(({ name }) => !isDisabled(name));
  const replaced = kept.map((plugin) => custom.enabled.findLast(({ name }) => name === plugin.name) ?? plugin);
  const added = custom.enabled.filter((plugin) => !replaced.includes(plugin));
  return { enabled: [...replaced, ...added], disabled };
}

function readLeaderElection(election: ConfigObject): LeaderElectionConfiguration {
  const defaults = defaultLeaderElection;
  const read = {
    leaderElect: election.boolean('leaderElect', defaults.leaderElect),
    leaseDurationMs: election.duration('leaseDuration') || defaults.leaseDurationMs,
    renewDeadlineMs: election.duration('renewDeadline') || defaults.renewDeadlineMs,
    retryPeriodMs: election.duration('retryPeriod') || defaults.retryPeriodMs,
    resourceLock: election.string('resourceLock') || defaults.resourceLock,
    resourceName: election.string('resourceName') || defaults.resourceName,
    resourceNamespace: election.string('resourceNamespace') || defaults.resourceNamespace,
  };
  election.expectNothingElse();
  return read;
}

function readClientConnection(connection: ConfigObject): ClientConnectionConfiguration {
  const defaults = defaultClientConnection;
  const read = {
    kubeconfig: connection.string('kubeconfig'),
    acceptContentTypes: connection.string('acceptContentTypes'),
    contentType: connection.string('contentType') || defaults.contentType,
    qps: connection.number('qps') || defaults.qps,
    burst: connection.integer('burst') || defaults.burst,
  };
  connection.expectNothingElse();
  return read;
}

const EXTENDER_TIMEOUT_MS = 5_000;

function readExtender(extender: ConfigObject): ExtenderConfiguration {
  const tls = extender.raw('tlsConfig') ? { tlsConfig: readTls(extender.object('tlsConfig')) } : {};
  const read = {
    urlPrefix: extender.string('urlPrefix'),
    filterVerb: extender.string('filterVerb'),
    preemptVerb: extender.string('preemptVerb'),
    prioritizeVerb: extender.string('prioritizeVerb'),
    bindVerb: extender.string('bindVerb'),
    weight: extender.integer('weight'),
    enableHTTPS: extender.boolean('enableHTTPS'),
    httpTimeoutMs: extender.duration('httpTimeout') || EXTENDER_TIMEOUT_MS,
    nodeCacheCapable: extender.boolean('nodeCacheCapable'),
    managedResources: extender.objects('managedResources').map((resource) => {
      const managed = { name: resource.string('name'), ignoredByScheduler: resource.boolean('ignoredByScheduler') };
      resource.expectNothingElse();
      return managed;
    }),
    ignorable: extender.boolean('ignorable'),
    ...tls,
  };
  extender.expectNothingElse();
  return read;
}

function readTls(tls: ConfigObject): ExtenderTls {
  const pem = (name: string) => Buffer.from(tls.string(name), 'base64').toString();
  const read = {
    insecure: tls.boolean('insecure'),
    serverName: tls.string('serverName'),
    certFile: tls.string('certFile'),
    keyFile: tls.string('keyFile'),
    caFile: tls.string('caFile'),
    certData: pem('certData'),
    keyData: pem('keyData'),
    caData: pem('caData'),
  };
  tls.expectNothingElse();
  return read;
}
