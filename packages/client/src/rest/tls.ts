/** Credentials of a connection and of a request, from memory or from files that are read again when they change. */
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { Clock } from '@keelson/api/clock';
import { trusting } from '@keelson/component/trust';

/** A text, PEM or a token, that is given or stands in a file. */
export type Source = { readonly text: string } | { readonly file: string };

export interface TlsConfig {
  /** Certificates to trust, PEM; the system's where there are none. */
  readonly ca?: Source | undefined;
  readonly certificate?: Source | undefined;
  readonly key?: Source | undefined;
  /** The name that the server's certificate must have, where it is not the host of the URL. */
  readonly serverName?: string | undefined;
  readonly insecureSkipVerify?: boolean | undefined;
}

/** A certificate and its key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Somebody who has a certificate, if there is one. @throws Error where it cannot be told */
export interface PairSource {
  pair(): Promise<KeyPair | undefined>;
}

/** What a TLS connection is opened with. A new object means that older connections are to be left. */
export interface TlsMaterial {
  readonly context: SecureContext;
  readonly serverName: string | undefined;
  readonly insecureSkipVerify: boolean;
}

/** Files are looked at again after this time. */
const RELOAD_AFTER_MS = 10_000;

/** A text that is read again now and then. When its file cannot be read any more, the last text stands. */
export class Reloading {
  readonly #source: Source;
  readonly #clock: Clock;
  #text: string | undefined;
  #readAt = 0;

  constructor(source: Source, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** @throws Error of the file system when there is no text at all */
  async get(): Promise<string> {
    if ('text' in this.#source) return this.#source.text;
    const now = this.#clock.now();
    if (this.#text !== undefined && now - this.#readAt < RELOAD_AFTER_MS) return this.#text;
    try {
      this.#text = await readFile(this.#source.file, 'utf8');
      this.#readAt = now;
    } catch (error) {
      if (this.#text === undefined) throw error;
    }
    return this.#text;
  }

  /** The text was refused: the file is read again at once. */
  distrust(): void {
    this.#readAt = Number.NEGATIVE_INFINITY;
  }
}

/** Makes the material from the newest texts; the same object as long as they are the same. */
export class TlsSource {
  readonly #config: TlsConfig;
  readonly #texts: readonly (Reloading | undefined)[];
  readonly #pairs: PairSource | undefined;
  #current: { readonly texts: readonly (string | undefined)[]; readonly material: TlsMaterial } | undefined;

  /** @param pairs asked where the configuration has no certificate */
  constructor(config: TlsConfig, clock: Clock, pairs?: PairSource) {
    this.#config = config;
    this.#pairs = config.certificate ? undefined : pairs;
    this.#texts = [config.ca, config.certificate, config.key].map((s) => (s ? new Reloading(s, clock) : undefined));
  }

  /** While a certificate and its key do not fit, as between two writes, the last pair stands. @throws Error when there is none */
  async get(): Promise<TlsMaterial> {
    const [ca, ...own] = await Promise.all(this.#texts.map((text) => text?.get()));
    const pair = await this.#pairs?.pair();
    const [cert, key] = pair ? [pair.certificate, pair.key] : own;
    const texts = [ca, cert, key];
    const current = this.#current;
    if (current && texts.every((text, i) => text === current.texts[i])) return current.material;
    const { serverName, insecureSkipVerify = false } = this.#config;
    try {
      const context = createSecureContext({ ...trusting(ca), cert, key });
      this.#current = { texts, material: { context, serverName, insecureSkipVerify } };
    } catch (error) {
      if (!current) throw error;
    }
    return this.#current!.material;
  }
}
