/** ClusterConfiguration from its document and back (kubeadm/app/apis/kubeadm/v1beta4). */
import { ConfigFileError, type ConfigObject } from '@keelson/component/configfile';
import { formatDuration } from '@keelson/component/go/duration';
import { KUBERNETES_VERSION } from '@keelson/component/version';
import { type KeyAlgorithm, keyAlgorithms } from '../../pki/certificate.ts';
import { CERTIFICATES_DIR, ETCD_DATA_DIR } from '../layout.ts';
import type { Argument, ClusterConfiguration, ComponentOptions, EnvVar, Etcd, ImageOptions } from './types.ts';

const hour = 3_600_000;
const YEAR_MS = 365 * 24 * hour;

/** @throws ConfigFileError naming the field */
export function decodeCluster(object: ConfigObject): ClusterConfiguration {
  const networking = object.object('networking');
  const apiServer = object.object('apiServer');
  const dns = object.object('dns');
  const proxy = object.object('proxy');
  const cluster: ClusterConfiguration = {
    etcd: decodeEtcd(object.object('etcd')),
    networking: {
      serviceSubnet: networking.string('serviceSubnet') || '10.96.0.0/12',
      podSubnet: networking.string('podSubnet'),
      dnsDomain: networking.string('dnsDomain') || 'cluster.local',
    },
    kubernetesVersion: version(object.string('kubernetesVersion')),
    controlPlaneEndpoint: object.string('controlPlaneEndpoint'),
    apiServer: { ...decodeComponent(apiServer), certSans: apiServer.strings('certSANs') },
    controllerManager: decodeComponent(object.object('controllerManager'), true),
    scheduler: decodeComponent(object.object('scheduler'), true),
    dns: { ...decodeImage(dns), disabled: dns.boolean('disabled') },
    proxy: { disabled: proxy.boolean('disabled') },
    certificatesDir: object.string('certificatesDir') || CERTIFICATES_DIR,
    imageRepository: object.string('imageRepository'),
    featureGates: decodeGates(object.object('featureGates')),
    clusterName: object.string('clusterName') || 'kubernetes',
    encryptionAlgorithm: decodeAlgorithm(object.string('encryptionAlgorithm') || 'RSA-2048'),
    certificateValidityMs: object.duration('certificateValidityPeriod', YEAR_MS),
    caCertificateValidityMs: object.duration('caCertificateValidityPeriod', 10 * YEAR_MS),
  };
  for (const part of [networking, apiServer, dns, proxy, object]) part.expectNothingElse();
  return cluster;
}

function decodeEtcd(object: ConfigObject): Etcd {
  const [local, external] = [object.raw('local'), object.raw('external')];
  object.expectNothingElse();
  if (isGiven(local) && isGiven(external)) throw new ConfigFileError('etcd.local and etcd.external exclude each other');
  if (!isGiven(external)) return { local: decodeLocalEtcd(object.object('local')) };
  const given = object.object('external');
  const decoded = {
    endpoints: given.strings('endpoints'),
    caFile: given.string('caFile'),
    certFile: given.string('certFile'),
    keyFile: given.string('keyFile'),
  };
  given.strings('httpEndpoints');
  given.expectNothingElse();
  return { external: decoded };
}

function decodeLocalEtcd(object: ConfigObject) {
  const local = {
    ...decodeImage(object),
    dataDir: object.string('dataDir') || ETCD_DATA_DIR,
    extraArgs: decodeArguments(object, 'extraArgs'),
    extraEnvs: decodeEnvs(object),
    serverCertSans: object.strings('serverCertSANs'),
    peerCertSans: object.strings('peerCertSANs'),
  };
  object.expectNothingElse();
  return local;
}

function decodeComponent(object: ConfigObject, isWhole = false): ComponentOptions {
  const component = {
    extraArgs: decodeArguments(object, 'extraArgs'),
    extraVolumes: object.objects('extraVolumes').map((volume) => {
      const mount = {
        name: volume.string('name'),
        hostPath: volume.string('hostPath'),
        mountPath: volume.string('mountPath'),
        readOnly: volume.boolean('readOnly'),
        pathType: volume.string('pathType'),
      };
      volume.expectNothingElse();
      return mount;
    }),
    extraEnvs: decodeEnvs(object),
  };
  if (isWhole) object.expectNothingElse();
  return component;
}

/** Flags of a component, in the order of the file: one may be given more than once. */
export function decodeArguments(object: ConfigObject, field: string): Argument[] {
  return object.objects(field).map((item) => {
    const argument = { name: item.string('name'), value: item.string('value') };
    item.expectNothingElse();
    return argument;
  });
}

function decodeEnvs(object: ConfigObject): EnvVar[] {
  return object.objects('extraEnvs').map((item) => {
    const fields = Object.fromEntries(['value', 'valueFrom'].flatMap((name) => present(name, item.raw(name))));
    const name = item.string('name');
    item.expectNothingElse();
    return { name, ...fields };
  });
}

function decodeImage(object: ConfigObject): ImageOptions {
  return { imageRepository: object.string('imageRepository'), imageTag: object.string('imageTag') };
}

function decodeGates(object: ConfigObject): Record<string, boolean> {
  return Object.fromEntries(object.names().map((name) => [name, object.boolean(name)]));
}

function decodeAlgorithm(text: string): KeyAlgorithm {
  const found = keyAlgorithms.find((name) => name === text);
  if (found === undefined)
    throw new ConfigFileError(`encryptionAlgorithm "${text}" is unknown: choose one of ${keyAlgorithms.join(', ')}`);
  return found;
}

/** `stable-1` and its like ask for the newest; this release knows its own alone. */
function version(text: string): string {
  const own = KUBERNETES_VERSION.gitVersion.replace(/[-+].*$/, '');
  const minor = own.split('.').slice(0, 2).join('.');
  if (text === '' || /^(stable|latest)(-1(\.[0-9]+)?)?$/.test(text)) return own;
  const wanted = `v${text.replace(/^v/, '')}`;
  if (!wanted.startsWith(`${minor}.`))
    throw new ConfigFileError(
      `kubernetesVersion ${text} is none that this release serves: leave it out, or set ${own}`,
    );
  return wanted;
}

/** The document as kubeadm keeps it in a cluster, where its own commands read it too. */
export function encodeCluster(cluster: ClusterConfiguration): Record<string, unknown> {
  const { etcd, networking, apiServer, dns, proxy } = cluster;
  return {
    apiVersion: 'kubeadm.k8s.io/v1beta4',
    kind: 'ClusterConfiguration',
    apiServer: { ...encodeComponent(apiServer), ...list('certSANs', apiServer.certSans) },
    controllerManager: encodeComponent(cluster.controllerManager),
    scheduler: encodeComponent(cluster.scheduler),
    etcd: encodeEtcd(etcd),
    networking: {
      dnsDomain: networking.dnsDomain,
      ...text('podSubnet', networking.podSubnet),
      serviceSubnet: networking.serviceSubnet,
    },
    dns: { ...encodeImage(dns), ...flag('disabled', dns.disabled) },
    proxy: flag('disabled', proxy.disabled),
    kubernetesVersion: cluster.kubernetesVersion,
    ...text('controlPlaneEndpoint', cluster.controlPlaneEndpoint),
    certificatesDir: cluster.certificatesDir,
    ...text('imageRepository', cluster.imageRepository),
    ...(Object.keys(cluster.featureGates).length > 0 ? { featureGates: cluster.featureGates } : {}),
    clusterName: cluster.clusterName,
    encryptionAlgorithm: cluster.encryptionAlgorithm,
    certificateValidityPeriod: formatDuration(cluster.certificateValidityMs),
    caCertificateValidityPeriod: formatDuration(cluster.caCertificateValidityMs),
  };
}

function encodeEtcd(etcd: Etcd) {
  if (etcd.external) {
    const { endpoints } = etcd.external;
    return { external: { ...etcd.external, httpEndpoints: endpoints } };
  }
  const { local } = etcd;
  return {
    local: {
      ...encodeImage(local),
      dataDir: local.dataDir,
      ...list('extraArgs', local.extraArgs),
      ...list('extraEnvs', local.extraEnvs),
      ...list('serverCertSANs', local.serverCertSans),
      ...list('peerCertSANs', local.peerCertSans),
    },
  };
}

function encodeComponent({ extraArgs, extraVolumes, extraEnvs }: ComponentOptions) {
  const volumes = extraVolumes.map(({ readOnly, pathType, ...mount }) => ({
    ...mount,
    ...flag('readOnly', readOnly),
    ...text('pathType', pathType),
  }));
  return { ...list('extraArgs', extraArgs), ...list('extraVolumes', volumes), ...list('extraEnvs', extraEnvs) };
}

const encodeImage = ({ imageRepository, imageTag }: ImageOptions) => ({
  ...text('imageRepository', imageRepository),
  ...text('imageTag', imageTag),
});

const isGiven = (value: unknown) => value !== undefined && value !== null;
const present = (name: string, value: unknown) => (isGiven(value) ? [[name, value] as const] : []);
const text = (name: string, value: string) => (value === '' ? {} : { [name]: value });
const flag = (name: string, value: boolean) => (value ? { [name]: true } : {});
const list = (name: string, values: readonly unknown[]) => (values.length === 0 ? {} : { [name]: values });
