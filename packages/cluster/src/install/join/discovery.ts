/**
 * How a machine finds a cluster by a token and learns to trust it (kubeadm/app/discovery/token): the public `cluster-info`
 * is read from a server that nobody vouches for, its signature is made with the token's secret, the authority in it has a
 * known public key, and a server whose certificate that authority has signed says the same.
 */
import { timingSafeEqual } from 'node:crypto';
import { readConfidentialYaml } from '@keelson/api/codec/yaml';
import { connect, sleep, type World } from '@keelson/client';
import { detachedSignature } from '@keelson/controllers/bootstrap/tokens';
import { StartupError } from '../../startup-error.ts';
import { authorityHashes } from '../cluster-info.ts';

export interface BootstrapTokenDiscovery {
  readonly token: { readonly id: string; readonly secret: string };
  /** `10.0.0.10:6443` */
  readonly endpoint: string;
  /** `sha256:…` of public keys of authorities, any of which will do; none: the token alone is trusted. */
  readonly caHashes: readonly string[];
  /** How long the cluster may take to answer, and to sign. */
  readonly timeoutMs: number;
  /** It has not, and is asked again until then. */
  readonly waiting?: (problem: string) => void;
}

/** A cluster that can be trusted. */
export interface DiscoveredCluster {
  /** `https://10.0.0.10:6443` */
  readonly server: string;
  /** Certificates, PEM. */
  readonly certificateAuthority: string;
}

const CLUSTER_INFO = { namespace: 'kube-public', name: 'cluster-info' };
const RETRY_MS = 5_000;

type Data = Readonly<Record<string, string>>;

/** @throws StartupError where it cannot be reached, or not be trusted */
export async function discoverCluster(options: BootstrapTokenDiscovery, world: World): Promise<DiscoveredCluster> {
  const { caHashes, token } = options;
  const wrong = caHashes.find((hash) => !/^sha256:[0-9a-f]{64}$/i.test(hash));
  if (wrong !== undefined)
    throw new StartupError(
      `invalid discovery token CA certificate hash: ${wrong}`,
      "give --discovery-token-ca-cert-hash as 'keelson init phase show-join-command' does: sha256:…",
    );
  const deadline = world.clock.now() + options.timeoutMs;
  const untrusted = await clusterInfo(options, world, deadline);
  const text = signedKubeconfig(untrusted, token);
  const cluster = clusterOf(text, 'in the cluster-info ConfigMap');
  if (caHashes.length === 0) return cluster;
  checkPins(cluster.certificateAuthority, caHashes);
  const trusted = await clusterInfo(options, world, deadline, cluster.certificateAuthority);
  if (trusted.kubeconfig !== text)
    throw new StartupError(
      'the second kubeconfig from the cluster-info ConfigMap (using validated TLS) was different from the first',
      'try again: the cluster may just have been changed',
    );
  return cluster;
}

/** Asks until the cluster answers and has signed for the token. @param certificateAuthority PEM; without it any server is listened to */
async function clusterInfo(
  { endpoint, token, waiting = () => {} }: BootstrapTokenDiscovery,
  world: World,
  deadline: number,
  certificateAuthority?: string,
): Promise<Data> {
  const tls = certificateAuthority ? { ca: { text: certificateAuthority } } : { insecureSkipVerify: true };
  const server = `https://${endpoint}`;
  const client = connect({ server, namespace: 'default', tls }, { component: 'keelson', world, timeoutMs: RETRY_MS });
  try {
    for (let told = ''; ; ) {
      let problem: string;
      try {
        const { data } = await client.resource('configmaps').get(CLUSTER_INFO);
        if (data?.[signatureKey(token.id)]) return data;
        problem = `could not find a JWS signature in the cluster-info ConfigMap for token ID "${token.id}"`;
      } catch (error) {
        problem = `failed to request the cluster-info ConfigMap: ${(error as Error).message}`;
      }
      const left = deadline - world.clock.now();
      if (left <= 0)
        throw new StartupError(
          `couldn't validate the identity of the API Server: ${problem}`,
          `see that ${server} is the cluster's API server, and make a token that is still good there: 'keelson init phase bootstrap-token'`,
        );
      if (problem !== told) waiting(problem);
      told = problem;
      await sleep(world.clock, Math.min(RETRY_MS, left));
    }
  } finally {
    client.close();
  }
}

const signatureKey = (id: string) => `jws-kubeconfig-${id}`;

/** The kubeconfig that the token's secret has signed. */
function signedKubeconfig(data: Data, { id, secret }: BootstrapTokenDiscovery['token']): string {
  const { kubeconfig = '' } = data;
  if (kubeconfig === '')
    throw new StartupError(
      "there is no kubeconfig key in the cluster-info ConfigMap. This API Server isn't set up for token bootstrapping, can't connect",
      "run 'keelson init phase bootstrap-token' on a machine of the control plane",
    );
  const [given, right] = [data[signatureKey(id)] ?? '', detachedSignature(kubeconfig, id, secret)].map(Buffer.from);
  if (given!.length !== right!.length || !timingSafeEqual(given!, right!))
    throw new StartupError(
      "failed to verify JWS signature of received cluster info object, can't trust this API Server",
      'check --token, and that this is the right cluster',
    );
  return kubeconfig;
}

/**
 * What a kubeconfig says of its first cluster; it need not name anybody who asks there.
 * @param where it stands, for people
 */
export function clusterOf(kubeconfig: string, where: string): DiscoveredCluster {
  const { clusters } = parsed(kubeconfig, where);
  const { server, 'certificate-authority-data': data } = clusters?.[0]?.cluster ?? {};
  if (!server || !data)
    throw new StartupError(
      `malformed kubeconfig ${where}: it has no cluster with a server and certificate-authority-data`,
      "run 'keelson init phase bootstrap-token' on a machine of the control plane",
    );
  return { server, certificateAuthority: Buffer.from(data, 'base64').toString() };
}

interface Kubeconfig {
  readonly clusters?: readonly {
    readonly cluster?: { readonly server?: string; readonly 'certificate-authority-data'?: string };
  }[];
}

function parsed(kubeconfig: string, where: string): Kubeconfig {
  try {
    return (readConfidentialYaml(kubeconfig) ?? {}) as Kubeconfig;
  } catch (error) {
    throw new StartupError(
      `couldn't parse the kubeconfig ${where}: ${(error as Error).message}`,
      "run 'keelson init phase bootstrap-token' on a machine of the control plane",
    );
  }
}

function checkPins(certificateAuthority: string, hashes: readonly string[]): void {
  const found = authorityHashes(certificateAuthority);
  const pinned = new Set(hashes.map((hash) => hash.toLowerCase()));
  if (!found.some((hash) => pinned.has(hash)))
    throw new StartupError(
      `cluster CA found in cluster-info ConfigMap is invalid: none of the public keys ${found.map((hash) => `"${hash}"`).join(':')} are pinned`,
      'compare --discovery-token-ca-cert-hash with what the control plane says',
    );
}
