/** What answers for names (kubeadm/app/phases/addons/dns): pods, or a unit on each machine of the control plane. */
import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import type { Container } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import { isLoopback } from '../../addresses.ts';
import {
  dnsPodService,
  dnsPods,
  dnsRole,
  dnsService,
  dnsSlice,
  dnsSlicesRule,
  METRICS_PORT,
} from '../../dns/service.ts';
import { addressOf, controlPlaneUrl } from '../configuration/endpoints.ts';
import { dnsAddress } from '../configuration/kubelet.ts';
import type { ClusterConfiguration } from '../configuration/types.ts';
import { coreDnsImage, imageName, isOwnRepository } from '../images.ts';
import type { InstallContext } from '../phase.ts';
import { bindClusterRole, grant, serviceAccount } from '../rbac.ts';
import { accountCredentials, grantTokens, refuseOther, tokenRole, type Ways } from './account.ts';
import { addonKubeconfig, ensureMachineAddon, ownAuthority } from './machine.ts';

const NAMESPACE = 'kube-system';
/** Of the deployment and its account, and of upstream's settings. */
const NAME = 'coredns';
const ROLE = 'system:coredns';
const UNIT = 'keelson-dns';
/** Nothing else has it, and who is not root may listen there. */
const PORT = 10_053;
const REPLICAS = 2;

/** What is there where pods answer for names, and where machines do. */
export const dnsWays: Ways = {
  pods: { resource: 'deployments.apps', name: NAME },
  units: { resource: 'roles.rbac.authorization.k8s.io', name: tokenRole(NAME) },
};

export async function ensureDns(context: InstallContext): Promise<void> {
  const { configuration, systemd, report } = context;
  const { cluster, init } = configuration;
  const address = addressOf(init);
  if (systemd && isLoopback(address)) return report(`[addon] no name server: pods would not reach one at ${address}`);
  const api = await context.api();
  await refuseOther(api, systemd, dnsWays, 'addon/coredns');
  await api.put('serviceaccounts', { metadata: { namespace: NAMESPACE, name: NAME } });
  await api.put('clusterroles.rbac.authorization.k8s.io', dnsRole(ROLE, systemd));
  await bindClusterRole(api, ROLE, ROLE, serviceAccount(NAME));
  const clusterIp = dnsAddress(cluster);
  if (systemd) {
    const { name } = init.nodeRegistration;
    await grant(api, { namespace: NAMESPACE, name: UNIT }, dnsSlicesRule, [serviceAccount(NAME)]);
    await ensureUnit(context, clusterIp);
    await api.put('services', dnsService(clusterIp));
    await api.put('endpointslices.discovery.k8s.io', dnsSlice(name, address, PORT, name));
    return report(`[addon] ${UNIT} answers for names at ${clusterIp}, from ${address}`);
  }
  if (!isOwn(cluster))
    await api.put('configmaps', {
      metadata: { namespace: NAMESPACE, name: NAME },
      data: { Corefile: corefile(cluster.networking.dnsDomain) },
    });
  const known = await api.get('deployments.apps', { namespace: NAMESPACE, name: NAME });
  await api.put('deployments.apps', deployment(cluster, known?.spec?.replicas ?? REPLICAS));
  await api.put('services', dnsPodService(clusterIp));
  report(`[addon] the deployment ${NAMESPACE}/${NAME} answers for names at ${clusterIp}`);
}

async function ensureUnit(context: InstallContext, clusterIp: string): Promise<void> {
  const { configuration, layout } = context;
  const { cluster, init } = configuration;
  const nodeName = init.nodeRegistration.name;
  await grantTokens(await context.api(), NAME, nodeName);
  const addon = {
    name: UNIT,
    description: 'Names of Kubernetes services and pods (Keelson)',
    command: [
      'keelson',
      'dns',
      `--bind-address=${addressOf(init)}`,
      `--cluster-dns=${clusterIp}`,
      `--cluster-domain=${cluster.networking.dnsDomain}`,
      '--follow-machines',
      `--kubeconfig=${addonKubeconfig(UNIT, layout)}`,
      `--port=${PORT}`,
    ],
    capabilities: [],
  } as const;
  await ensureMachineAddon(context, addon, {
    clusterName: cluster.clusterName,
    server: controlPlaneUrl(cluster, init.localApiEndpoint),
    certificateAuthority: await ownAuthority(context),
    account: NAME,
    credentials: accountCredentials(context, NAME, nodeName),
  });
}

/** Whether the image is Keelson's; any other repository has CoreDNS. */
const isOwn = ({ dns, imageRepository }: ClusterConfiguration) =>
  isOwnRepository(dns.imageRepository || imageRepository);

function deployment(cluster: ClusterConfiguration, replicas: number): Draft<Deployment> {
  const own = isOwn(cluster);
  return {
    metadata: { namespace: NAMESPACE, name: NAME, labels: dnsPods },
    spec: {
      replicas,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } },
      selector: { matchLabels: dnsPods },
      template: {
        metadata: { labels: dnsPods },
        spec: {
          priorityClassName: 'system-cluster-critical',
          serviceAccountName: NAME,
          affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [apart] } },
          tolerations: [
            { key: 'CriticalAddonsOnly', operator: 'Exists' },
            { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' },
          ],
          nodeSelector: { 'kubernetes.io/os': 'linux' },
          containers: [own ? ownContainer(cluster) : coreDnsContainer(cluster)],
          dnsPolicy: 'Default',
          ...(own
            ? {}
            : {
                volumes: [
                  { name: 'config-volume', configMap: { name: NAME, items: [{ key: 'Corefile', path: 'Corefile' }] } },
                ],
              }),
        },
      },
    },
  };
}

const apart = {
  weight: 100,
  podAffinityTerm: {
    labelSelector: { matchExpressions: [{ key: 'k8s-app', operator: 'In', values: [dnsPods['k8s-app']] }] },
    topologyKey: 'kubernetes.io/hostname',
  },
};

const requests = { cpu: '100m', memory: '70Mi' };
const confined = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true };

const ports = (port: number) => [
  { containerPort: port, name: 'dns', protocol: 'UDP' },
  { containerPort: port, name: 'dns-tcp', protocol: 'TCP' },
  { containerPort: METRICS_PORT, name: 'metrics', protocol: 'TCP' },
];

const probes = (liveness: string | number, readiness: string | number) => ({
  livenessProbe: {
    httpGet: { path: '/health', port: liveness, scheme: 'HTTP' },
    initialDelaySeconds: 60,
    timeoutSeconds: 5,
    failureThreshold: 5,
  },
  readinessProbe: { httpGet: { path: '/ready', port: readiness, scheme: 'HTTP' } },
});

function ownContainer(cluster: ClusterConfiguration): Draft<Container> {
  const { dns, imageRepository, networking } = cluster;
  return {
    name: NAME,
    image: imageName('dns', dns.imageRepository || imageRepository, dns.imageTag),
    imagePullPolicy: 'IfNotPresent',
    command: [
      '/usr/local/bin/keelson-dns',
      `--cluster-dns=${dnsAddress(cluster)}`,
      `--cluster-domain=${networking.dnsDomain}`,
      `--metrics-bind-address=0.0.0.0:${METRICS_PORT}`,
      `--port=${PORT}`,
    ],
    resources: { limits: { memory: '256Mi' }, requests },
    ports: ports(PORT),
    ...probes('metrics', 'metrics'),
    securityContext: { ...confined, capabilities: { drop: ['ALL'] } },
  };
}

function coreDnsContainer({ dns, imageRepository }: ClusterConfiguration): Draft<Container> {
  return {
    name: NAME,
    image: coreDnsImage(dns.imageRepository || imageRepository, dns.imageTag),
    imagePullPolicy: 'IfNotPresent',
    args: ['-conf', '/etc/coredns/Corefile'],
    resources: { limits: { memory: '170Mi' }, requests },
    volumeMounts: [{ name: 'config-volume', mountPath: '/etc/coredns', readOnly: true }],
    ports: ports(53),
    ...probes(8080, 8181),
    securityContext: { ...confined, capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } },
  };
}

/** What CoreDNS is told (its plug-ins kubernetes, forward, cache…), with kubeadm's choices. */
function corefile(domain: string): string {
  const block = (head: string, ...lines: string[]) => [
    `    ${head} {`,
    ...lines.map((line) => `        ${line}`),
    '    }',
  ];
  return [
    '.:53 {',
    '    errors',
    ...block('health', 'lameduck 5s'),
    '    ready',
    ...block(
      `kubernetes ${domain} in-addr.arpa ip6.arpa`,
      'pods insecure',
      'fallthrough in-addr.arpa ip6.arpa',
      'ttl 30',
    ),
    `    prometheus :${METRICS_PORT}`,
    ...block('forward . /etc/resolv.conf', 'max_concurrent 1000'),
    ...block('cache 30', `disable success ${domain}`, `disable denial ${domain}`),
    '    loop',
    '    reload',
    '    loadbalance',
    '}',
    '',
  ].join('\n');
}
