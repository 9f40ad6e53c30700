import { getCiphers } from 'node:tls';
import type { TlsOptions } from '@keelson/apiserver/http/listener';
import { quote } from '@keelson/component/go/strconv';
import { StartupError } from '../startup-error.ts';
import type { Values } from './flags.ts';

/** Below 1.2 nothing is served, whatever is asked for: RFC 8996 forbids it. */
const versions: Readonly<Record<string, 'TLSv1.2' | 'TLSv1.3'>> = {
  '': 'TLSv1.2',
  VersionTLS10: 'TLSv1.2',
  VersionTLS11: 'TLSv1.2',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
};

/** By Go's numbers, which are those of TLS (RFC 8446 4.2.7, crypto/tls CurveID). */
const groups: ReadonlyMap<number, string> = new Map([
  [23, 'P-256'],
  [24, 'P-384'],
  [25, 'P-521'],
  [29, 'X25519'],
  [4587, 'SecP256r1MLKEM768'],
  [4588, 'X25519MLKEM768'],
  [4589, 'SecP384r1MLKEM1024'],
]);

/** --tls-min-version, --tls-cipher-suites and --tls-curve-preferences. @throws StartupError for unknown ones */
export function tlsOptions(
  values: Pick<Values, 'tls-min-version' | 'tls-cipher-suites' | 'tls-curve-preferences'>,
): TlsOptions {
  const minVersion = versions[values['tls-min-version']];
  if (minVersion === undefined) {
    throw new StartupError(
      `unknown tls version ${quote(values['tls-min-version'])}`,
      'give VersionTLS12 or VersionTLS13',
    );
  }
  const suites = values['tls-cipher-suites'];
  const curves = values['tls-curve-preferences'];
  return {
    minVersion,
    ...(suites.length > 0 ? { ciphers: suites.map(opensslName).join(':') } : {}),
    ...(curves.length > 0 ? { groups: curves.map(groupName).join(':') } : {}),
  };
}

/** @throws StartupError in the words of component-base/cli/flag/curves_flag.go */
function groupName(id: number, i: number, all: readonly number[]): string {
  const refuse = (why: string) => new StartupError(why, 'correct --tls-curve-preferences');
  if (id < 1 || id > 0xffff) throw refuse(`curve preference ${id} is out of range (must be 1-65535)`);
  if (all.indexOf(id) < i) throw refuse(`duplicate curve preference ${id}`);
  const name = groups.get(id);
  if (name === undefined) throw refuse(`curve preference ${id} is not supported by the current Go version`);
  return name;
}

/** TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256 to OpenSSL; those of TLS 1.3 keep their names. */
function opensslName(suite: string): string {
  const [, exchange = '', cipher = ''] = /^TLS_(?:(\w+)_WITH_)?(\w+)$/.exec(suite) ?? [];
  const name =
    exchange === ''
      ? suite
      : `${exchange}-${cipher}`
          .replace(/^RSA-/, '')
          .replace('3DES_EDE_CBC', 'DES-CBC3')
          .replace(/AES_(\d+)(_CBC)?/, 'AES$1')
          .replace(/^(.*CHACHA20_POLY1305)_SHA256$/, '$1')
          .replaceAll('_', '-');
  if (!getCiphers().includes(name.toLowerCase())) {
    throw new StartupError(`Cipher suite ${suite} not supported or doesn't exist`, 'correct --tls-cipher-suites');
  }
  return name;
}
