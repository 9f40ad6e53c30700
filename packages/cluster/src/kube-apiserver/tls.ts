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

/** --tls-min-version and --tls-cipher-suites. @throws StartupError for unknown ones */
export function tlsOptions(values: Pick<Values, 'tls-min-version' | 'tls-cipher-suites'>): TlsOptions {
  const minVersion = versions[values['tls-min-version']];
  if (minVersion === undefined) {
    throw new StartupError(
      `unknown tls version ${quote(values['tls-min-version'])}`,
      'give VersionTLS12 or VersionTLS13',
    );
  }
  const suites = values['tls-cipher-suites'];
  return suites.length === 0 ? { minVersion } : { minVersion, ciphers: suites.map(opensslName).join(':') };
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
