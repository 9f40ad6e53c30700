/** Who the kubelet is to the API server: by its kubeconfig, or by a certificate that it asks for first (TLS bootstrap). */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { encodeYaml } from '@keelson/api/codec/yaml';
import { type Client, type ClientMetrics, type ClusterConfig, connect, systemWorld } from '@keelson/client';
import { readIfExists, writeFileAtomic } from '@keelson/component/files';
import type { Logger } from '@keelson/component/logs/logger';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import { CertificateMetrics, CertificateStore, keepClientCertificate } from '@keelson/kubelet';
import { type rateLimitOf, readKubeconfig } from '../connection.ts';

export interface ClientOptions {
  readonly kubeconfig: string;
  /** Empty: the kubeconfig has to be there. */
  readonly bootstrapKubeconfig: string;
  readonly certificateDirectory: string;
  /** Whether the certificate is renewed before it ends. */
  readonly rotate: boolean;
  readonly nodeName: string;
  readonly rateLimit: ReturnType<typeof rateLimitOf>;
  readonly logger: Logger;
  readonly metrics: ClientMetrics;
  /** Where it is counted how the certificate is renewed. */
  readonly registry: MetricsRegistry;
  readonly streamsLists: boolean;
}

export interface NodeClient {
  readonly client: Client;
  /** Renews its certificate; undefined where that is somebody else's affair. */
  readonly rotation: Running | undefined;
}

/** Resolves when the kubelet can speak as its node; with TLS bootstrap somebody may have to approve it first. @throws StartupError */
export async function nodeClient(options: ClientOptions): Promise<NodeClient> {
  const { kubeconfig, bootstrapKubeconfig, nodeName, rateLimit, logger, metrics } = options;
  const world = systemWorld(logger, metrics, options.streamsLists);
  const now = world.clock.now();
  const common = { component: 'kubelet', world, rateLimit };
  const store = new CertificateStore(options.certificateDirectory, 'kubelet-client');
  const isThere = existsSync(kubeconfig) && !(existsSync(bootstrapKubeconfig) && (await hasEnded(kubeconfig, now)));
  const config = await readKubeconfig(isThere || bootstrapKubeconfig === '' ? kubeconfig : bootstrapKubeconfig);
  const ownsCertificate = isThere ? options.rotate && (await adopt(config, store, now)) : bootstrapKubeconfig !== '';
  if (!ownsCertificate) return { client: connect(config, common), rotation: undefined };
  const own = ownConfig(config, store.file);
  let known: Client | undefined;
  const client = () => (known ??= connect(own, common));
  if (!isThere) logger.info({ file: store.file }, 'Asking for a client certificate');
  const rotation = await keepClientCertificate({
    store,
    nodeName,
    bootstrap: connect(config, common),
    metrics: new CertificateMetrics('client', options.registry, () => world.clock.now()),
    renewing: client,
  });
  // Who has access already does not wait: static pods may be what has to run first.
  if (!isThere) {
    await rotation.first;
    await writeKubeconfig(kubeconfig, config, store.file);
  }
  return { client: client(), rotation };
}

/** Whether the certificate of a kubeconfig is of no use any more, so that a machine that was off for long has to join again. */
async function hasEnded(kubeconfig: string, now: number): Promise<boolean> {
  const { certificate } = (await readKubeconfig(kubeconfig)).tls;
  if (!certificate) return false;
  const text = 'text' in certificate ? certificate.text : ((await readIfExists(certificate.file)) ?? '');
  return text === '' || Date.parse(new X509Certificate(text).validTo) < now;
}

/**
 * The certificate that somebody has made for the node becomes the kubelet's own, which is renewed from then on.
 * @returns whether the store has it, or one after it; a certificate in other files is its owner's to renew
 */
async function adopt({ tls }: ClusterConfig, store: CertificateStore, now: number): Promise<boolean> {
  const { certificate, key } = tls;
  if (!certificate || !key) return false;
  if ('file' in certificate) return certificate.file === store.file;
  if (!('text' in key)) return false;
  const known = await store.read();
  if (known === undefined) await store.write({ certificate: certificate.text, key: key.text }, new Date(now));
  return true;
}

/** The same server, spoken to by the certificate in a file, which is read again when it changes. */
function ownConfig(config: ClusterConfig, file: string): ClusterConfig {
  return { ...config, token: undefined, tls: { ...config.tls, certificate: { file }, key: { file } } };
}

async function writeKubeconfig(path: string, { server, tls }: ClusterConfig, file: string): Promise<void> {
  const ca = tls.ca && ('text' in tls.ca ? tls.ca.text : await readFile(tls.ca.file, 'utf8'));
  const name = 'default-cluster';
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name,
        cluster: { server, ...(ca ? { 'certificate-authority-data': Buffer.from(ca).toString('base64') } : {}) },
      },
    ],
    users: [{ name: 'default-auth', user: { 'client-certificate': file, 'client-key': file } }],
    contexts: [{ name: 'default-context', context: { cluster: name, user: 'default-auth' } }],
    'current-context': 'default-context',
  };
  await writeFileAtomic(path, encodeYaml(config).toString());
}
