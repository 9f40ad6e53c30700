/** The certificate that the kubelet's port is served with, and what comes in its place in time. */
import type { Client } from '@keelson/client';
import type { Logger } from '@keelson/component/logs/logger';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { type Running, together } from '@keelson/component/running';
import type { Serving } from '@keelson/component/serving/server';
import { CertificateMetrics, CertificateStore, keepServingCertificate } from '@keelson/kubelet';
import { WatchedFiles } from '../kube-apiserver/reloadable.ts';
import { ensureServingCertificate } from '../pki/self-signed.ts';
import { StartupError } from '../startup-error.ts';

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

export interface ServingCertificate {
  /** Undefined: nobody has signed one yet. */
  readonly certificate: Certificate | undefined;
  /** Has the port served with what comes after it. */
  follow(server: Pick<Serving, 'setCertificate'>): Promise<Running>;
}

export interface ServingCertificateOptions {
  /** Empty: there are none. */
  readonly files: { readonly cert: string; readonly key: string };
  /** Asks the cluster for one (serverTLSBootstrap). */
  readonly client: Client;
  readonly bootstrap: boolean;
  readonly directory: string;
  readonly nodeName: string;
  /** Names and addresses that others reach the kubelet by. */
  readonly names: readonly string[];
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

/** @throws StartupError for files that are given and cannot be read */
export async function servingCertificate(options: ServingCertificateOptions): Promise<ServingCertificate> {
  if (options.files.cert !== '') return given(options);
  if (options.bootstrap) return askedFor(options);
  const { directory, nodeName, names, logger } = options;
  const { certFile, keyFile } = await ensureServingCertificate(directory, nodeName, names, new Date(), 'kubelet');
  return given({ files: { cert: certFile, key: keyFile }, logger });
}

/** Whoever renews the files is followed. */
function given({ files, logger }: Pick<ServingCertificateOptions, 'files' | 'logger'>): ServingCertificate {
  const watched = new WatchedFiles(logger);
  try {
    const pair = watched.read([files.cert, files.key], (cert, key): Certificate => ({ cert, key }));
    return {
      certificate: pair.get(),
      follow: async (server) => {
        pair.onChange?.(() => server.setCertificate(pair.get()));
        return runningUntil(() => watched.close());
      },
    };
  } catch (error) {
    watched.close();
    throw new StartupError(
      `cannot read the serving certificate: ${(error as Error).message}`,
      'correct tlsCertFile and tlsPrivateKeyFile',
    );
  }
}

/** Until somebody has approved and signed one, nobody is served (kubelet/certificate/kubelet.go). */
async function askedFor(options: ServingCertificateOptions): Promise<ServingCertificate> {
  const { client, directory, nodeName, names, logger } = options;
  const metrics = new CertificateMetrics('server', options.metrics, () => client.world.clock.now());
  const store = new CertificateStore(directory, 'kubelet-server');
  const known = await store.read();
  const asCertificate = ({ certificate, key }: { certificate: string; key: string }) => ({ cert: certificate, key });
  return {
    certificate: known && asCertificate(known),
    follow: (server) =>
      keepServingCertificate({
        store,
        client,
        nodeName,
        names,
        metrics,
        issued: (pair) => {
          logger.info({ file: store.file }, 'Serving with another certificate');
          server.setCertificate(asCertificate(pair));
        },
      }),
  };
}

function runningUntil(stop: () => void): Running {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    done: promise,
    stop: async () => {
      stop();
      resolve();
    },
  };
}

/** Who may come with a client certificate, now and when the file changes. */
export interface ClientAuthorities {
  readonly pem: string;
  follow(server: Pick<Serving, 'setClientCa'>): Running;
}

/** @param file empty: nobody comes with a certificate. @throws StartupError for a file that cannot be read */
export function clientAuthorities(file: string, logger: Logger): ClientAuthorities | undefined {
  if (file === '') return undefined;
  const watched = new WatchedFiles(logger);
  try {
    const pem = watched.read([file], (text) => text);
    return {
      pem: pem.get(),
      follow: (server) => {
        pem.onChange?.(() => server.setClientCa(pem.get()));
        return runningUntil(() => watched.close());
      },
    };
  } catch (error) {
    watched.close();
    throw new StartupError(`cannot read ${file}: ${(error as Error).message}`, 'correct clientCAFile');
  }
}

/** The port, and what follows its certificate and its clients' authorities, as one. */
export async function serveWith(
  certificate: ServingCertificate,
  clients: ClientAuthorities | undefined,
  server: Serving,
): Promise<Running & { port: number }> {
  const followers = [await certificate.follow(server), ...(clients ? [clients.follow(server)] : [])];
  return { ...together([server, ...followers]), port: server.port };
}
