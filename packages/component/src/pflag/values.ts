import { Quantity } from '@keelson/api/quantity';
import { atoi, parseUnsigned, quote } from '../go/strconv.ts';
import type { ModuleLevel } from '../logs/verbosity.ts';

/** A serving certificate and the names it is for (`--tls-sni-cert-key`); no names: those in the certificate. */
export interface NamedCertKey {
  readonly certFile: string;
  readonly keyFile: string;
  readonly names: readonly string[];
  /** In the flag's own syntax. */
  readonly text: string;
}

/** `cert,key` or `cert,key:name,name`. */
export function parseNamedCertKey(text: string): NamedCertKey {
  const at = text.indexOf(':');
  const names = at < 0 ? [] : trimmed(text.slice(at + 1));
  if (at >= 0 && text.slice(at + 1).trim() === '') throw new Error('empty names list is not allowed');
  const files = trimmed(at < 0 ? text : text.slice(0, at));
  if (files.length !== 2) throw new Error('expected comma separated certificate and key file paths');
  const [certFile, keyFile] = files as [string, string];
  return { certFile, keyFile, names, text: files.join(',') + (names.length > 0 ? `:${names.join(',')}` : '') };
}

const trimmed = (text: string) => text.split(',').map((part) => part.trim());

/** A range of ports, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `80`, `30000-32767` or `30000+2767`; '' is no range. */
export function parsePortRange(text: string): PortRange | undefined {
  const value = text.trim();
  if (value === '') return undefined;
  const hyphen = value.indexOf('-');
  const plus = value.indexOf('+');
  if (hyphen >= 0 && plus >= 0) throw new Error(`unable to parse port range: ${value}`);
  const at = Math.max(hyphen, plus);
  const first = atoi(at < 0 ? value : value.slice(0, at));
  const second = at < 0 ? first : atoi(value.slice(at + 1));
  const last = plus >= 0 ? first + second : second;
  if (first > 65535 || last > 65535) throw new Error(`the port range cannot be greater than 65535: ${value}`);
  if (last < first) throw new Error(`end port cannot be less than start port: ${value}`);
  return { first, last };
}

/** `pattern=N,…`. @throws Error in the words of k8s.io/component-base */
export function parseVmodule(text: string): ModuleLevel[] {
  return text
    .split(',')
    .filter((item) => item !== '')
    .map((item) => {
      const [pattern, level, ...rest] = item.split('=');
      if (!pattern || !level || rest.length > 0) throw new Error(`${quote(item)} does not have the pattern=N format`);
      try {
        return { pattern, level: parseUnsigned(level, 31) };
      } catch (error) {
        throw new Error(`parsing verbosity in ${quote(item)}: ${(error as Error).message}`);
      }
    });
}

/** Returns the text when it is a quantity. */
export function checkQuantity(text: string): string {
  Quantity.parse(text);
  return text;
}

/** How {@link splitPairs} reads. */
export interface PairNotation {
  /** Default: `=`. */
  readonly separator?: string;
  /** Whether a pair may lack separator and value. */
  readonly isValueOptional?: boolean;
  /** The word for a value that the error has. Default: `string`. */
  readonly value?: string;
  /** Whether a comma is part of the value, and not the end of a pair. */
  readonly isOnePair?: boolean;
}

/**
 * `a=1,b=2`, blanks around keys and values trimmed, empty parts left out.
 * @throws Error in the words of k8s.io/component-base
 */
export function splitPairs(
  text: string,
  { separator = '=', isValueOptional = false, value = 'string', isOnePair = false }: PairNotation = {},
): [string, string][] {
  const parts = isOnePair ? [text] : text.split(',').filter((part) => part !== '');
  return parts.map((part) => {
    const at = part.indexOf(separator);
    if (at < 0 && !isValueOptional) throw new Error(`malformed pair, expect string${separator}${value}`);
    return at < 0 ? [part.trim(), ''] : [part.slice(0, at).trim(), part.slice(at + 1).trim()];
  });
}
