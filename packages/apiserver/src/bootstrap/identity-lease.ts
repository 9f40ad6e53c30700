/**
 * A lease in kube-system for each API server, by which others know which servers there are; those of servers that are gone
 * are swept away (k8s.io/kubernetes/pkg/controlplane/apiserver: APIServerIdentity).
 */
import { createHash } from 'node:crypto';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import { formatMicroTime, millisOf } from '@keelson/api/time';
import { joinHostPort } from '@keelson/component/go/net';
import type { Logger } from '@keelson/component/logs/logger';
import { asError } from '../aggregate.ts';
import { Periodic } from './periodic.ts';
import { type BootstrapClient, ensure, type Write } from './reconcile.ts';
import { retire } from './retire.ts';

const VERSION = 'coordination.k8s.io/v1';
export const IDENTITY_NAMESPACE = 'kube-system';
const COMPONENT = 'kube-apiserver';
const IDENTITY_LABEL = 'apiserver.kubernetes.io/identity';
const HOSTNAME_LABEL = 'kubernetes.io/hostname';
const ADDRESS_ANNOTATION = 'kubernetes.io/peer-advertise-address';
const LEASE_SECONDS = 3600;
const RENEW_MS = 10_000;
const SWEEP_MS = 3_600_000;

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const DIGEST_BYTES = 16;

/** `apiserver-…`: the same after a restart on the same host. */
export function apiServerId(hostname: string): string {
  const digest = createHash('sha256');
  for (const part of [Buffer.from(hostname), Buffer.from(COMPONENT)]) digest.update(lengthOf(part)).update(part);
  const characters = Math.ceil((DIGEST_BYTES * 8) / 5);
  const padding = BigInt(characters * 5 - DIGEST_BYTES * 8);
  const bits = BigInt(`0x${digest.digest('hex').slice(0, DIGEST_BYTES * 2)}`) << padding;
  const at = (i: number) => BASE32[Number((bits >> BigInt(5 * (characters - 1 - i))) & 31n)];
  return `apiserver-${Array.from({ length: characters }, (_, i) => at(i)).join('')}`;
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(part.length);
  return length;
}

export interface LeaseClient extends BootstrapClient {
  /** Of all namespaces. */
  list(apiVersion: string, kind: string): Promise<readonly KubeObject[]>;
}

export interface IdentityLeaseOptions {
  readonly client: LeaseClient;
  readonly logger: Logger;
  readonly now: () => Date;
  /** Different after each start. */
  readonly uuid: string;
  readonly hostname: string;
  /** Where other API servers find this one; undefined: it does not say so. */
  readonly peerAddress?: { readonly host: string; readonly port: number } | undefined;
}

export class IdentityLease {
  readonly #options: IdentityLeaseOptions;
  readonly #name: string;
  readonly #renewing: Periodic;
  readonly #sweeping: Periodic;

  constructor(options: IdentityLeaseOptions) {
    this.#options = options;
    this.#name = apiServerId(options.hostname);
    const report = (thrown: unknown) => this.#report(thrown);
    this.#renewing = new Periodic(() => this.#renew(), RENEW_MS, report);
    this.#sweeping = new Periodic(() => this.#sweep(), SWEEP_MS, report);
  }

  /** Resolves when the lease is there; keeps it so until stopped. */
  async start(): Promise<void> {
    await this.#remove();
    await this.#renewing.start();
    await this.#sweeping.start();
  }

  /** What fails, or takes too long, is logged: the server goes anyway. */
  async stop(): Promise<void> {
    const end = Promise.all([this.#renewing.stop(), this.#sweeping.stop()]).then(() => this.#remove());
    await retire(end, (thrown) => this.#report(thrown));
  }

  async #renew(): Promise<void> {
    const { client, now, uuid, hostname, peerAddress } = this.#options;
    const lease: Lease = {
      apiVersion: VERSION,
      kind: 'Lease',
      metadata: {
        name: this.#name,
        namespace: IDENTITY_NAMESPACE,
        labels: { [IDENTITY_LABEL]: COMPONENT, [HOSTNAME_LABEL]: hostname },
        annotations: peerAddress ? { [ADDRESS_ANNOTATION]: joinHostPort(peerAddress.host, peerAddress.port) } : {},
      },
      spec: {
        holderIdentity: `${this.#name}_${uuid}`,
        leaseDurationSeconds: LEASE_SECONDS,
        renewTime: formatMicroTime(now()),
      },
    };
    await ensure(client, lease, renewed);
  }

  async #remove(): Promise<void> {
    const { client } = this.#options;
    const lease = await client.get(VERSION, 'Lease', IDENTITY_NAMESPACE, this.#name);
    if (lease) await client.delete(lease);
  }

  async #sweep(): Promise<void> {
    const { client, now } = this.#options;
    for (const lease of await client.list(VERSION, 'Lease')) if (isExpired(lease, now())) await client.delete(lease);
  }

  #report(thrown: unknown): void {
    this.#options.logger.error(
      { error: asError(thrown).message },
      "the lease of this server's identity is not renewed",
    );
  }
}

function renewed(desired: Lease, live: Lease | undefined): Write<Lease>[] {
  if (!live) return [{ type: 'create', object: desired }];
  const labels = { ...live.metadata.labels, ...desired.metadata.labels };
  const annotations = { ...live.metadata.annotations, ...desired.metadata.annotations };
  const metadata = { ...live.metadata, labels, annotations };
  return [{ type: 'update', object: { ...live, metadata, spec: { ...live.spec, ...desired.spec } } }];
}

/** Whether it is that of an API server, this one or another. */
export function isIdentityLease({ metadata }: KubeObject): boolean {
  return metadata.namespace === IDENTITY_NAMESPACE && metadata.labels?.[IDENTITY_LABEL] === COMPONENT;
}

/** An API server's lease that nobody renews, or that makes no sense. */
function isExpired(lease: KubeObject, now: Date): boolean {
  if (!isIdentityLease(lease)) return false;
  const { renewTime, leaseDurationSeconds } = (lease as TypedObject as Lease).spec ?? {};
  if (!renewTime || leaseDurationSeconds === undefined) return true;
  return millisOf(renewTime) + leaseDurationSeconds * 1000 < now.getTime();
}
