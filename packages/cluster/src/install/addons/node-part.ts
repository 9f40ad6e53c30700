/** What runs on every node: the pods of a daemon set, or a unit on each machine. Both read the same files. */

import { encodeYaml } from '@keelson/api/codec/yaml';
import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import type { ConfigMap, Container, Volume } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import { controlPlaneUrl } from '../configuration/endpoints.ts';
import type { Configuration } from '../configuration/types.ts';
import { type AddonName, addonFolder, type Layout } from '../layout.ts';
import type { InstallContext } from '../phase.ts';
import { BOOTSTRAPPERS, grant, group, readConfigMap } from '../rbac.ts';
import { accountCredentials, grantTokens, refuseOther, type Ways } from './account.ts';
import { ensureMachineAddon, type MachineAddon, ownAuthority } from './machine.ts';

const NAMESPACE = 'kube-system';
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const KUBECONFIG = 'kubeconfig.conf';

/** The daemon set, the account, the config map and the unit are all of this name. */
export interface NodePart {
  readonly name: AddonName;
  /** Of its phase among the addons. */
  readonly phase: string;
  /** Of its unit. */
  readonly description: string;
  /** Labels of its config map. */
  readonly labels?: Readonly<Record<string, string>>;
  /** What it reads beside its kubeconfig, by name. */
  files(configuration: Configuration): Readonly<Record<string, string>>;
  /** The words of its unit. @param folder with what it reads, as the machine names it */
  command(folder: string, nodeName: string, layout: Layout): readonly string[];
  readonly capabilities: readonly string[];
  readonly writable?: readonly string[];
  /** Its container, whose folder and name of the node are known by `$(NODE_NAME)`. */
  container(configuration: Configuration): Omit<Draft<Container>, 'name'>;
  readonly volumes?: readonly Draft<Volume>[];
}

/** Of its config map, where machines run it. */
const UNITS = { 'keelson/runs-as': 'unit' };

/** What is there where pods are it, and where machines run it. */
export const waysOf = ({ name }: NodePart): Ways => ({
  pods: { resource: 'daemonsets.apps', name },
  units: { resource: 'configmaps', name, labels: UNITS },
});

/** Puts it into the cluster; its account has its rights already. @throws StartupError */
export async function ensureNodePart(context: InstallContext, part: NodePart): Promise<void> {
  const { configuration, systemd, report } = context;
  const api = await context.api();
  const { name } = part;
  await refuseOther(api, systemd, waysOf(part), `addon/${part.phase}`);
  await api.put('serviceaccounts', { metadata: { namespace: NAMESPACE, name } });
  await api.put('configmaps', configMap(part, context));
  await grant(api, { namespace: NAMESPACE, name }, readConfigMap(name), [group(BOOTSTRAPPERS)]);
  if (!systemd) {
    await api.put('daemonsets.apps', daemonSet(part, configuration));
    return report(`[addon] ${name} runs on every node, by the daemon set ${NAMESPACE}/${name}`);
  }
  await grantTokens(api, name);
  const { cluster, init } = configuration;
  const nodeName = init.nodeRegistration.name;
  await ensureMachineAddon(context, machineAddon(part, context, nodeName, part.files(configuration)), {
    clusterName: cluster.clusterName,
    server: controlPlaneUrl(cluster, init.localApiEndpoint),
    certificateAuthority: await ownAuthority(context),
    account: name,
    credentials: accountCredentials(context, name, nodeName),
  });
}

/** @param files those of its config map, in a cluster that is there */
export function machineAddon(
  { name, description, command, capabilities, writable }: NodePart,
  { layout }: Pick<InstallContext, 'layout'>,
  nodeName: string,
  files: Readonly<Record<string, string>>,
): MachineAddon {
  const { [KUBECONFIG]: _, ...others } = files;
  const words = command(layout.host(addonFolder(name)), nodeName, layout);
  return { name, description, command: words, files: others, capabilities, ...(writable ? { writable } : {}) };
}

function configMap(part: NodePart, { configuration, systemd }: InstallContext): Draft<ConfigMap> {
  const { cluster, init } = configuration;
  const labels = { ...part.labels, ...(systemd ? UNITS : {}) };
  const named = 'default';
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        cluster: {
          'certificate-authority': `${SERVICE_ACCOUNT}/ca.crt`,
          server: controlPlaneUrl(cluster, init.localApiEndpoint),
        },
        name: named,
      },
    ],
    contexts: [{ context: { cluster: named, namespace: named, user: named }, name: named }],
    'current-context': named,
    users: [{ name: named, user: { tokenFile: `${SERVICE_ACCOUNT}/token` } }],
  };
  return {
    metadata: { namespace: NAMESPACE, name: part.name, ...(Object.keys(labels).length > 0 ? { labels } : {}) },
    data: { [KUBECONFIG]: encodeYaml(kubeconfig).toString(), ...part.files(configuration) },
  };
}

function daemonSet(part: NodePart, configuration: Configuration): Draft<DaemonSet> {
  const { name } = part;
  const labels = { 'k8s-app': name };
  const { volumeMounts = [], ...container } = part.container(configuration);
  return {
    metadata: { namespace: NAMESPACE, name, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate' },
      template: {
        metadata: { labels },
        spec: {
          priorityClassName: 'system-node-critical',
          containers: [
            {
              ...container,
              name,
              imagePullPolicy: 'IfNotPresent',
              env: [{ name: 'NODE_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
              volumeMounts: [{ mountPath: addonFolder(name), name }, ...volumeMounts],
            },
          ],
          hostNetwork: true,
          serviceAccountName: name,
          volumes: [{ name, configMap: { name } }, ...(part.volumes ?? [])],
          tolerations: [{ operator: 'Exists' }],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
        },
      },
    },
  };
}
