/**
 * Several transformers, told apart by what their values begin with. The first one writes; what another one has written is stale
 * (apiserver/pkg/storage/value: PrefixTransformer). They nest: a provider's prefix is followed by that of one of its keys.
 *
 *     k8s:enc:aescbc:v1:key1:…
 *     └ provider        └ key
 */
import { aggregate, asError } from '../aggregate.ts';
import type { TransformationMetrics } from './metrics.ts';
import type { Opened, ValueTransformer } from './transformer.ts';

export interface Prefixed {
  /** Empty: it reads what begins with anything, and another may know better when it fails. */
  readonly prefix: string;
  readonly transformer: ValueTransformer;
}

export class Choice implements ValueTransformer {
  readonly #choices: readonly {
    readonly prefix: Buffer;
    readonly label: string;
    readonly transformer: ValueTransformer;
  }[];
  readonly #noMatch: string;
  readonly #metrics: TransformationMetrics;

  /** @param noMatch the error for what none of them reads */
  constructor(choices: readonly Prefixed[], noMatch: string, metrics: TransformationMetrics) {
    this.#choices = choices.map(({ prefix, transformer }) => ({
      prefix: Buffer.from(prefix),
      label: prefix,
      transformer,
    }));
    this.#noMatch = noMatch;
    this.#metrics = metrics;
  }

  seal(value: Uint8Array, path: string): Uint8Array[] {
    const { prefix, label, transformer } = this.#choices[0]!;
    const done = this.#metrics.start('to_storage');
    try {
      const pieces = transformer.seal(value, path);
      pieces.unshift(prefix);
      done(label);
      return pieces;
    } catch (error) {
      done(label, error);
      throw error;
    }
  }

  open(stored: Buffer, path: string): Opened | Promise<Opened> {
    return this.#openFrom(0, [], stored, path);
  }

  /** Keys of one name may follow on each other: that one can't read a value does not mean that the next can't. */
  #openFrom(first: number, failures: Error[], stored: Buffer, path: string): Opened | Promise<Opened> {
    const done = this.#metrics.start('from_storage');
    for (let i = first; i < this.#choices.length; i++) {
      const { prefix, label, transformer } = this.#choices[i]!;
      if (!prefix.equals(stored.subarray(0, prefix.length))) continue;
      const failed = (error: unknown): void => {
        if (label === '') return;
        done(label, error);
        failures.push(asError(error));
      };
      const succeeded = (opened: Opened): Opened => {
        done(label === '' ? 'identity' : label);
        return opened.stale || i > 0 ? { value: opened.value, stale: true } : opened;
      };
      try {
        const opened = transformer.open(stored.subarray(prefix.length), path);
        if (!(opened instanceof Promise)) return succeeded(opened);
        return opened.then(succeeded, (error: unknown) => {
          failed(error);
          return this.#openFrom(i + 1, failures, stored, path);
        });
      } catch (error) {
        failed(error);
      }
    }
    const failure = aggregate(failures);
    if (failure) throw failure.errors.length === 1 ? failure.errors[0]! : failure;
    const error = new Error(this.#noMatch);
    done('unknown', error);
    throw error;
  }
}
