import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import { trusting } from '@keelson/component/trust';

/** Paths of PEM files, as upstream's `--etcd-cafile`, `--etcd-certfile` and `--etcd-keyfile`. */
export interface TlsPaths {
  /** Left out: the system's authorities. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** Reads TLS files, and reads them again to see whether they have changed. */
export class TlsFiles {
  readonly #paths: TlsPaths;
  #contents = '';

  constructor(paths: TlsPaths) {
    this.#paths = paths;
  }

  /**
   * @returns what to connect with from now on, undefined if nothing has changed
   * @throws Error if a file is missing or they don't fit together, as while they are being replaced
   */
  async load(): Promise<SecureContext | undefined> {
    const { caFile, certFile, keyFile } = this.#paths;
    const read = async (path: string | undefined) => (path ? readFile(path, 'utf8') : undefined);
    const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(read));
    const contents = [ca, cert, key].join('\0');
    if (contents === this.#contents) return undefined;
    const context = createSecureContext({ ...trusting(ca), cert, key, minVersion: 'TLSv1.2' });
    this.#contents = contents;
    return context;
  }
}
