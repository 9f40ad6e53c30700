/** What is installed on a machine, as the files say that run it: those of init, of join, or of kubeadm. */
import { dirname } from 'node:path';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { parseKubeconfig } from '@keelson/client';
import { inspect } from '../pki/inspect.ts';
import type { EtcdMember } from './command-lines.ts';
import { etcdClientUrl } from './configuration/endpoints.ts';
import type { ApiEndpoint } from './configuration/types.ts';
import type { Files } from './files.ts';
import {
  KUBECONFIG_FILES,
  KUBELET_INSTANCE_CONFIGURATION,
  manifestFile,
  type StaticPodName,
  unitFile,
} from './layout.ts';

export interface InstalledPart {
  /** Whether a unit of systemd runs it, and not a manifest. */
  readonly systemd: boolean;
  readonly path: string;
  readonly text: string;
}

/** What runs a part on this machine; undefined for none. */
export async function installedPart(files: Files, name: StaticPodName): Promise<InstalledPart | undefined> {
  for (const [systemd, path] of [
    [false, manifestFile(name)],
    [true, unitFile(name)],
  ] as const) {
    const text = await files.read(path);
    if (text !== undefined) return { systemd, path, text };
  }
  return undefined;
}

/** The value that what runs a part gives a flag; empty for none. */
const flagOf = ({ text }: InstalledPart, name: string) => new RegExp(`--${name}=([^\\s"'\\\\]+)`).exec(text)?.[1] ?? '';

export interface InstalledEtcd {
  readonly peerUrl: string;
  /** Where it, and those that it was started with, answer. */
  readonly endpoints: readonly string[];
  /** Those that it joined, itself included; none for the first. */
  readonly members: readonly EtcdMember[];
}

/** This machine's member of etcd. */
export async function installedEtcd(files: Files): Promise<InstalledEtcd | undefined> {
  const part = await installedPart(files, 'etcd');
  if (part === undefined) return undefined;
  const [peerUrl = ''] = flagOf(part, 'initial-advertise-peer-urls').split(',');
  const initial = flagOf(part, 'initial-cluster')
    .split(',')
    .flatMap((member) => {
      const [, name, url] = /^([^=]*)=(.+)$/.exec(member) ?? [];
      return name !== undefined && url !== undefined && URL.canParse(url) ? [{ name, peerUrl: url }] : [];
    });
  const beside = initial.map((member) => etcdClientUrl(hostOf(member.peerUrl)));
  const endpoints = [...new Set([...flagOf(part, 'advertise-client-urls').split(','), ...beside])].filter(
    (url) => url !== '',
  );
  const members = flagOf(part, 'initial-cluster-state') === 'existing' ? initial : [];
  return peerUrl === '' || endpoints.length === 0 ? undefined : { peerUrl, endpoints, members };
}

const hostOf = (url: string) => new URL(url).hostname.replaceAll(/[[\]]/g, '');

/** Where this machine's API server is; undefined where it has none. */
export async function installedEndpoint(
  files: Files,
): Promise<(ApiEndpoint & Pick<InstalledPart, 'systemd'>) | undefined> {
  const part = await installedPart(files, 'kube-apiserver');
  if (part === undefined) return undefined;
  const bindPort = Number(flagOf(part, 'secure-port')) || 6443;
  return { advertiseAddress: flagOf(part, 'advertise-address'), bindPort, systemd: part.systemd };
}

/** The name of this machine's node, by the certificate of its kubelet; undefined where that is none yet. */
export async function installedNodeName(
  files: Files,
  read: (file: string) => Promise<string>,
): Promise<string | undefined> {
  const text = await files.read(KUBECONFIG_FILES.kubelet);
  if (text === undefined) return undefined;
  const { certificate } = parseKubeconfig(text, dirname(KUBECONFIG_FILES.kubelet)).tls;
  if (certificate === undefined) return undefined;
  const { commonName } = inspect('text' in certificate ? certificate.text : await read(certificate.file));
  return /^system:node:(.+)$/.exec(commonName)?.[1];
}

/** The socket that the kubelet was told of; undefined where it was not. */
export async function installedSocket(files: Files): Promise<string | undefined> {
  const text = await files.read(KUBELET_INSTANCE_CONFIGURATION);
  if (text === undefined) return undefined;
  const { containerRuntimeEndpoint } = (decodeYamlDocument(Buffer.from(text)).value ?? {}) as Record<string, unknown>;
  return typeof containerRuntimeEndpoint === 'string' ? containerRuntimeEndpoint : undefined;
}
