/** What the kubelet of an installed machine reads (kubeadm/app/phases/kubelet). */
import { encodeYaml } from '@keelson/api/codec/yaml';
import { certificateFile } from './certificates.ts';
import { commandLine } from './command-lines.ts';
import type { Configuration, KubeletDocument, NodeRegistration } from './configuration/types.ts';
import {
  KUBELET_CONFIGURATION,
  KUBELET_DIR,
  KUBELET_ENVIRONMENT,
  KUBELET_INSTANCE_CONFIGURATION,
  type Layout,
  MANIFESTS_DIR,
  unitFile,
} from './layout.ts';
import { patched } from './patches.ts';
import type { InstallContext } from './phase.ts';
import { kubeletUnit } from './systemd/units.ts';
import { ensureFile } from './written.ts';

export interface KubeletOptions {
  readonly node: NodeRegistration;
  /** What the cluster has for all its kubelets. */
  readonly kubelet: KubeletDocument;
  readonly hostname: string;
  /** Whether the kubelet registers its node with the taints; init sets them itself. */
  readonly registersTaints: boolean;
}

type KubeletContext = Pick<InstallContext, 'files' | 'layout' | 'report' | 'program' | 'configuration' | 'patches'>;

/**
 * Writes what the kubelet reads, and its unit where the machine has none.
 * @returns whether something was written, so that a kubelet that runs has to be started anew
 */
export async function ensureKubeletFiles(context: KubeletContext, options: KubeletOptions): Promise<boolean> {
  await context.files.makeDirectory(KUBELET_DIR, 0o700);
  const environment = await ensureFile(context, PHASE, KUBELET_ENVIRONMENT, environmentFile(options), 0o644);
  const others = await ensureKubeletConfiguration(context, options.kubelet, options.node.criSocket);
  return environment || others;
}

/** The same without the flags that are this machine's own. @param criSocket of the container runtime */
export async function ensureKubeletConfiguration(
  context: KubeletContext,
  given: KubeletDocument,
  criSocket: string,
): Promise<boolean> {
  const { files, layout, report, patches } = context;
  const kubelet = patched(patches, 'kubeletconfiguration', given) as KubeletDocument;
  const instance = { containerRuntimeEndpoint: criSocket };
  const text = kubeletText(context.configuration, layout, { ...kubelet, ...instance });
  const written = [
    await ensureFile(context, PHASE, KUBELET_INSTANCE_CONFIGURATION, encodeYaml(instance).toString(), 0o644),
    await ensureFile(context, PHASE, KUBELET_CONFIGURATION, text, 0o644),
  ];
  const packaged = ['/usr/lib/systemd/system/kubelet.service', '/lib/systemd/system/kubelet.service'];
  for (const path of packaged) {
    if (!(await files.exists(path))) continue;
    report(`[${PHASE}] ${layout.local(path)} runs the kubelet`);
    return written.includes(true);
  }
  written.push(await ensureFile(context, PHASE, unitFile('kubelet'), kubeletUnit(context), 0o644));
  return written.includes(true);
}

const PHASE = 'kubelet-start';

function environmentFile({ node, hostname, registersTaints }: KubeletOptions): string {
  const taints = node.taints.map(
    ({ key, value, effect }) => `${key}${value === undefined ? '' : `=${value}`}:${effect}`,
  );
  const flags = {
    ...(node.name === hostname ? {} : { 'hostname-override': node.name }),
    ...(registersTaints && taints.length > 0 ? { 'register-with-taints': taints.join(',') } : {}),
  };
  const [, ...words] = commandLine('kubelet', flags, node.kubeletExtraArgs);
  return `KUBELET_KUBEADM_ARGS=${JSON.stringify(words.join(' '))}\n`;
}

/** The configuration with the paths that the installation chose as this machine knows them. */
function kubeletText({ cluster }: Configuration, layout: Layout, kubelet: KubeletDocument): string {
  const named = (path: unknown, own: string) => (path === own ? layout.host(own) : path);
  const { authentication, ...rest } = kubelet as { authentication?: { x509?: { clientCAFile?: unknown } } };
  const clientCAFile = named(authentication?.x509?.clientCAFile, certificateFile(cluster, 'ca'));
  const here = {
    ...rest,
    authentication: { ...authentication, x509: { ...authentication?.x509, clientCAFile } },
    staticPodPath: named(kubelet.staticPodPath, MANIFESTS_DIR),
  };
  return sortedYaml(here);
}

/** As Go writes objects without an order of their own. */
export function sortedYaml(object: object): string {
  return encodeYaml(sorted(object) as object).toString();
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}
