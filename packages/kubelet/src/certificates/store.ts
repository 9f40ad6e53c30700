/**
 * Where a kubelet keeps a certificate and its key, in one file, `NAME-current.pem`, a link to the newest
 * (client-go/util/certificate/certificate_store.go). Readers of the link have a pair that belongs together.
 */
import { X509Certificate } from 'node:crypto';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { formatMicroTime } from '@keelson/api/time';
import { readIfExists } from '@keelson/component/files';
import type { KeyPair } from './request.ts';

export class CertificateStore {
  /** What clients and servers read. */
  readonly file: string;
  readonly #directory: string;
  readonly #name: string;

  /** @param name `kubelet-client`, `kubelet-server` */
  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.file = join(directory, `${name}-current.pem`);
  }

  /** @returns undefined where there is none, or it is broken. @throws Error where the file cannot be read */
  async read(): Promise<KeyPair | undefined> {
    const text = (await readIfExists(this.file)) ?? '';
    const [key] = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----\n?/.exec(text) ?? [];
    const certificate = (text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/g) ?? []).join('');
    return key && certificate ? { certificate, key } : undefined;
  }

  async write({ certificate, key }: KeyPair, now: Date): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const stamp = formatMicroTime(now).replace(/[T:.]/g, '-').replace('Z', '');
    const file = join(this.#directory, `${this.#name}-${stamp}.pem`);
    await writeFile(file, certificate + key, { mode: 0o600 });
    const next = `${this.file}.next`;
    await rm(next, { force: true });
    await symlink(basename(file), next);
    await rename(next, this.file);
  }
}

/** When a certificate is good, in milliseconds since the epoch. */
export function validityOf({ certificate }: KeyPair): { readonly from: number; readonly to: number } {
  const { validFrom, validTo } = new X509Certificate(certificate);
  return { from: Date.parse(validFrom), to: Date.parse(validTo) };
}
