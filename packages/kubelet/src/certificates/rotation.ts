/** A certificate of the kubelet's that is always good (client-go/util/certificate/certificate_manager.go). */
import type { World } from '@keelson/client';
import { heardLater } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';
import type { CertificateMetrics } from './metrics.ts';
import { type CertificateRequest, type KeyPair, requestCertificate } from './request.ts';
import { type CertificateStore, validityOf } from './store.ts';

export interface RotationOptions {
  readonly store: CertificateStore;
  readonly world: World;
  readonly metrics?: CertificateMetrics | undefined;
  /** A new one. @throws the signal's reason when it is aborted */
  request(signal: AbortSignal): Promise<KeyPair>;
  /** The store has a new one. */
  issued?(pair: KeyPair): void;
}

export interface Rotation extends Running {
  /** Resolves when the store has a good one; rejects when it is stopped before. */
  readonly first: Promise<void>;
}

/** Another is asked for when so much of its life is over, and a little more by chance. */
const LIFE = 0.7;
const JITTER = 0.2;
const FIRST_PAUSE_MS = 2_000;
const MAX_PAUSE_MS = 128_000;

/** Sees to it that the store has a good certificate from now on. */
export async function keepCertificate(options: RotationOptions): Promise<Rotation> {
  const { store, world, metrics } = options;
  const { clock, random, log } = world;
  const end = new AbortController();
  let cancel = () => {};
  const { promise: done, resolve } = Promise.withResolvers<void>();
  const first = Promise.withResolvers<void>();
  const schedule = (ms: number, pause: number) => {
    cancel = clock.after(Math.max(0, ms), () => void renew(pause), { background: true });
  };
  const renew = async (pause: number) => {
    try {
      const pair = await options.request(end.signal);
      if (end.signal.aborted) return;
      await store.write(pair, new Date(clock.now()));
      options.issued?.(pair);
      metrics?.holds(validityOf(pair));
      first.resolve();
      if (!end.signal.aborted) schedule(dueIn(pair, world), FIRST_PAUSE_MS);
    } catch (error) {
      if (end.signal.aborted) return;
      metrics?.failed();
      log.warn({ file: store.file, error }, 'Could not renew a certificate');
      schedule(pause * (1 + random() / 10), Math.min(MAX_PAUSE_MS, pause * 2));
    }
  };
  const known = await store.read();
  const due = known ? dueIn(known, world) : 0;
  if (known) metrics?.holds(validityOf(known));
  if (known && validityOf(known).to > clock.now()) first.resolve();
  schedule(due, FIRST_PAUSE_MS);
  return {
    done,
    first: heardLater(first.promise),
    stop: async () => {
      cancel();
      end.abort(new Error('nobody needs the certificate any more'));
      first.reject(end.signal.reason);
      resolve();
    },
  };
}

function dueIn(pair: KeyPair, { clock, random }: World): number {
  const { from, to } = validityOf(pair);
  return from + (to - from) * (LIFE + JITTER * random()) - clock.now();
}

export interface ClientCertificateOptions
  extends Pick<CertificateRequest, 'nodeName'>,
    Pick<RotationOptions, 'metrics'> {
  readonly store: CertificateStore;
  /** With a bootstrap token: is asked as long as there is no certificate. */
  readonly bootstrap: CertificateRequest['client'];
  /** With the certificate that the store has, read from its file: is asked from then on. */
  renewing(): CertificateRequest['client'];
}

/** TLS bootstrap: the node has a client certificate, which is renewed from then on. */
export function keepClientCertificate({
  store,
  bootstrap,
  nodeName,
  renewing,
  metrics,
}: ClientCertificateOptions): Promise<Rotation> {
  const request = async (signal: AbortSignal) => {
    const known = await store.read();
    const good = known !== undefined && validityOf(known).to > bootstrap.world.clock.now();
    const client = good ? renewing() : bootstrap;
    return requestCertificate({ client, signer: 'kubernetes.io/kube-apiserver-client-kubelet', nodeName, signal });
  };
  return keepCertificate({ store, world: bootstrap.world, metrics, request });
}

export interface ServingCertificateOptions
  extends Pick<CertificateRequest, 'client' | 'nodeName'>,
    Pick<RotationOptions, 'issued' | 'metrics'> {
  readonly store: CertificateStore;
  /** DNS names and IP addresses of the node. */
  readonly names: readonly string[];
}

/** Nobody is waited for: a person has to approve these. Until then there is none. */
export function keepServingCertificate({
  store,
  client,
  nodeName,
  names,
  ...hooks
}: ServingCertificateOptions): Promise<Rotation> {
  const request = (signal: AbortSignal) =>
    requestCertificate({ client, signer: 'kubernetes.io/kubelet-serving', nodeName, names, signal });
  return keepCertificate({ store, world: client.world, request, ...hooks });
}
