/**
 * What validation of values finds, in the words of k8s.io/kube-openapi/pkg/validation/errors, and the field errors that
 * k8s.io/apiextensions-apiserver/pkg/apiserver/validation makes of it.
 */
import { formatFloat } from '@keelson/api/codec/go-float';
import { stringify } from '@keelson/api/codec/stringify';
import {
  type ErrorList,
  type FieldError,
  GoValue,
  invalid,
  notSupported,
  Path,
  plain,
  quote,
  required,
  tooLong,
  tooMany,
  typeInvalid,
} from '@keelson/api/field';

export interface Finding {
  /** Two findings that say the same are one. */
  readonly message: string;
  /** @param root the path of the object that the finding's path starts at; undefined for one that is nowhere */
  toError(root: Path | undefined): FieldError;
}

/** How an error shows the path of nothing in particular. */
export const NOWHERE = Path.of('<nil>');

/** Of no field: it speaks of its path in words. */
export function remark(message: string): Finding {
  return { message, toError: (root) => invalid(root ?? NOWHERE, '', message) };
}

function at(root: Path | undefined, path: string): Path {
  const name = path.startsWith('.') ? path.slice(1) : path;
  if (name === '') return root ?? NOWHERE;
  return (root ?? Path.root).child(name);
}

/** @param shown the value in the error */
export function unfit(path: string, says: string, shown: unknown = ''): Finding {
  return broken(path, `${path} in body ${says}`, shown);
}

export function broken(path: string, message: string, shown: unknown): Finding {
  return { message, toError: (root) => invalid(at(root, path), shownValue(shown), message) };
}

/** @param given the type of what there is, or the text that is not of a format */
export function wrongType(path: string, wanted: string, given: string): Finding {
  const message = `${path} in body must be of type ${wanted}: ${quote(given)}`;
  return { message, toError: (root) => typeInvalid(at(root, path), given, message) };
}

export function missing(path: string): Finding {
  return { message: `${path} in body is required`, toError: (root) => required(at(root, path)) };
}

export function noneOf(path: string, value: unknown, allowed: readonly unknown[]): Finding {
  const texts = allowed.map((v) => (typeof v === 'string' ? v : stringify(v)));
  return {
    message: `${path} in body should be one of [${texts.join(' ')}]`,
    toError: (root) =>
      notSupported(at(root, path), typeof value === 'string' ? plain(value) : shownValue(value), texts),
  };
}

export function longer(path: string, max: number): Finding {
  const message = `${path} in body should be at most ${max} chars long`;
  return { message, toError: (root) => tooLong(at(root, path), max) };
}

export function more(path: string, actual: number, max: number, what: 'items' | 'properties'): Finding {
  const message = `${path} in body should have at most ${max} ${what}`;
  return { message, toError: (root) => tooMany(at(root, path), actual, max) };
}

/** Fractions are written as Go writes them. */
export function shownValue(value: unknown): unknown {
  return typeof value === 'number' && !Number.isSafeInteger(value) ? new GoValue(formatFloat(value)) : value;
}

/** What one look at a value has found. */
export class Result {
  /** By message. */
  #findings: Map<string, Finding> | undefined;
  /** How much there was to look at: of several schemas the best failure is the one that got furthest. */
  matches = 0;

  get isValid(): boolean {
    return this.#findings === undefined;
  }
  get findings(): Iterable<Finding> {
    return this.#findings?.values() ?? [];
  }

  add(finding: Finding): void {
    this.#findings ??= new Map();
    if (!this.#findings.has(finding.message)) this.#findings.set(finding.message, finding);
  }
  /** How many findings there are. */
  get size(): number {
    return this.#findings?.size ?? 0;
  }
  merge(other: Result): void {
    for (const finding of other.findings) this.add(finding);
    this.matches += other.matches;
  }
  /** What was found after the first so many does not matter. */
  forgive(size: number): void {
    if (!this.#findings) return;
    for (const message of [...this.#findings.keys()].slice(size)) this.#findings.delete(message);
    if (this.#findings.size === 0) this.#findings = undefined;
  }
}

/** @param root the path of what was looked at; none for the object itself */
export function errorsOf({ findings }: Result, root?: Path): ErrorList {
  return [...findings].map((finding) => finding.toError(root));
}
