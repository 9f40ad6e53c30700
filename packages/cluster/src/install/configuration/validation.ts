/** What is wrong with values that are of the right kind. */
import { isIP } from 'node:net';
import { isDNS1123Subdomain, isWildcardDNS1123Subdomain } from '@keelson/api/validation/names';
import { isUnspecified } from '../../addresses.ts';
import { parseCidr } from '../../cidr.ts';
import { certificateKeyProblem } from '../certificate-key.ts';
import { splitHostPort } from './endpoints.ts';
import { defaultToken } from './init.ts';
import { kubeProxyProblems } from './kube-proxy.ts';
import type { BootstrapToken, ClusterConfiguration, InitConfiguration, KubeProxyDocument } from './types.ts';

/** @returns a sentence for each problem, with the field's path */
export function validateConfiguration(
  init: InitConfiguration,
  cluster: ClusterConfiguration,
  kubeProxy: KubeProxyDocument,
): string[] {
  return [...initProblems(init), ...clusterProblems(cluster), ...kubeProxyProblems(kubeProxy, cluster)];
}

/** @returns a sentence for each problem of what is the machine's own */
export function* initProblems({
  localApiEndpoint,
  nodeRegistration,
  bootstrapTokens,
  certificateKey,
}: InitConfiguration) {
  const { advertiseAddress, bindPort } = localApiEndpoint;
  if (isIP(advertiseAddress) === 0) yield `localAPIEndpoint.advertiseAddress: "${advertiseAddress}" is no IP address`;
  else if (isUnspecified(advertiseAddress))
    yield `localAPIEndpoint.advertiseAddress: ${advertiseAddress} is no address that others reach this machine by`;
  if (bindPort < 1 || bindPort > 65535) yield `localAPIEndpoint.bindPort: ${bindPort} is not between 1 and 65535`;
  for (const problem of isDNS1123Subdomain(nodeRegistration.name))
    yield `nodeRegistration.name: "${nodeRegistration.name}": ${problem}`;
  if (!/^([a-z]+:\/\/)?\//.test(nodeRegistration.criSocket))
    yield `nodeRegistration.criSocket: "${nodeRegistration.criSocket}" is no URL such as unix:///run/containerd/containerd.sock`;
  const keyProblem = certificateKey === '' ? undefined : certificateKeyProblem(certificateKey);
  if (keyProblem !== undefined) yield `certificateKey: ${keyProblem}`;
  for (const token of bootstrapTokens) for (const problem of tokenProblems(token)) yield `bootstrapTokens.${problem}`;
}

/** BootstrapGroupPattern (cluster-bootstrap/token/api): whom the API server takes who shows a token for. */
const TOKEN_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** @returns a sentence for each problem of a token, its field in front */
export function* tokenProblems({ usages, groups }: Pick<BootstrapToken, 'usages' | 'groups'>) {
  for (const usage of usages)
    if (!defaultToken.usages.includes(usage)) yield `usages: "${usage}" is none of ${defaultToken.usages.join(', ')}`;
  for (const group of groups)
    if (!TOKEN_GROUP.test(group))
      yield `groups: bootstrap group "${group}" is invalid (must match ${TOKEN_GROUP.source})`;
}

/** kubeadm's gates, each with what it is here. */
const featureGates: Readonly<Record<string, boolean>> = {
  NodeLocalCRISocket: true,
  PublicKeysECDSA: false,
  RootlessControlPlane: false,
};

function* clusterProblems(cluster: ClusterConfiguration) {
  const { networking, etcd, apiServer } = cluster;
  yield* subnetProblems('networking.serviceSubnet', networking.serviceSubnet);
  if (networking.podSubnet !== '') yield* subnetProblems('networking.podSubnet', networking.podSubnet);
  for (const problem of isDNS1123Subdomain(networking.dnsDomain)) yield `networking.dnsDomain: ${problem}`;
  for (const name of apiServer.certSans)
    if (!isName(name)) yield `apiServer.certSANs: "${name}" is neither an IP address nor a DNS name`;
  if (cluster.controlPlaneEndpoint !== '' && splitHostPort(cluster.controlPlaneEndpoint) === undefined)
    yield `controlPlaneEndpoint: "${cluster.controlPlaneEndpoint}" is not HOST or HOST:PORT`;
  if (!cluster.certificatesDir.startsWith('/'))
    yield `certificatesDir: "${cluster.certificatesDir}" is no absolute path`;
  for (const [name, enabled] of Object.entries(cluster.featureGates)) {
    if (!Object.hasOwn(featureGates, name))
      yield `featureGates: "${name}" is none of ${Object.keys(featureGates).join(', ')}`;
    else if (featureGates[name] !== enabled) yield `featureGates: ${name} cannot be ${enabled} here`;
  }
  if (cluster.certificateValidityMs <= 0) yield 'certificateValidityPeriod: must be more than 0';
  if (cluster.caCertificateValidityMs <= 0) yield 'caCertificateValidityPeriod: must be more than 0';
  if (etcd.local && !etcd.local.dataDir.startsWith('/'))
    yield `etcd.local.dataDir: "${etcd.local.dataDir}" is no absolute path`;
  if (etcd.external && etcd.external.endpoints.length === 0) yield 'etcd.external.endpoints: at least one is needed';
  if (etcd.external && (etcd.external.certFile === '') !== (etcd.external.keyFile === ''))
    yield 'etcd.external: certFile and keyFile go together';
  for (const [component, { extraArgs, extraVolumes }] of Object.entries({
    apiServer,
    controllerManager: cluster.controllerManager,
    scheduler: cluster.scheduler,
  })) {
    for (const { name } of extraArgs)
      if (!/^[a-z][a-z0-9-]*$/.test(name))
        yield `${component}.extraArgs: "${name}" is no flag's name without its dashes`;
    for (const { name, hostPath, mountPath } of extraVolumes)
      if (!hostPath.startsWith('/') || !mountPath.startsWith('/') || name === '')
        yield `${component}.extraVolumes: "${name}" needs a name, and absolute paths as hostPath and mountPath`;
  }
}

function* subnetProblems(field: string, text: string) {
  const ranges = text.split(',').map((part) => parseCidr(part.trim()));
  if (ranges.includes(undefined)) yield `${field}: "${text}" is no CIDR`;
  else if (ranges.length > 2 || (ranges.length === 2 && ranges[0]!.family === ranges[1]!.family))
    yield `${field}: "${text}": two ranges must be one of IPv4 and one of IPv6`;
}

const isName = (name: string) =>
  isIP(name) !== 0 || isDNS1123Subdomain(name).length === 0 || isWildcardDNS1123Subdomain(name).length === 0;
