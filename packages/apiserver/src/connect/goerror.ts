/**
 * What Go says when a connection fails: clients and people read these words in Statuses (net, crypto/tls, net/http).
 * Node names the cause in `code`.
 */
import { isIP } from 'node:net';
import { errnoText } from '@keelson/component/go/errno';
import { joinHostPort } from '@keelson/component/go/net';

interface NodeError extends Error {
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
  readonly cert?: { readonly subjectaltname?: string };
  readonly host?: string;
}

const CERTIFICATE_ERRORS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'x509: certificate has expired or is not yet valid',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'x509: certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'x509: certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'x509: certificate signed by unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'x509: certificate signed by unknown authority',
};

/** What the other side refuses a handshake for, by its number (crypto/tls, alertText). */
const ALERTS: Readonly<Record<string, string>> = {
  40: 'handshake failure',
  42: 'bad certificate',
  45: 'expired certificate',
  46: 'unknown certificate',
  48: 'unknown certificate authority',
  49: 'access denied',
  70: 'protocol version not supported',
  80: 'internal error',
  112: 'unrecognized name',
  116: 'certificate required',
};

/** @param target `host:port` that was to be reached */
export function goErrorText(error: unknown, target: string): string {
  const cause = (error instanceof AggregateError ? error.errors[0] : error) as NodeError;
  const { code = '' } = cause;
  const refused = errnoText(code);
  if (refused) return `dial tcp ${addressOf(cause) ?? target}: connect: ${refused}`;
  const untrusted = CERTIFICATE_ERRORS[code];
  if (untrusted) return `tls: failed to verify certificate: ${untrusted}`;
  const [, alert = ''] = /SSL alert number (\d+)/.exec(cause.message) ?? [];
  if (alert in ALERTS) return `remote error: tls: ${ALERTS[alert]}`;
  switch (code) {
    case 'ETIMEDOUT':
      return `dial tcp ${addressOf(cause) ?? target}: i/o timeout`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${cause.hostname ?? target}: ${code === 'ENOTFOUND' ? 'no such host' : 'server misbehaving'}`;
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: ${wrongName(cause)}`;
    case 'EPROTO':
      return 'tls: first record does not look like a TLS handshake';
    case 'ECONNRESET':
      return 'EOF';
    default:
      return cause.message;
  }
}

function addressOf({ address, port }: NodeError): string | undefined {
  if (address === undefined || port === undefined) return undefined;
  return joinHostPort(address, port);
}

function wrongName({ host = '', cert }: NodeError): string {
  const names = (cert?.subjectaltname ?? '').split(', ').map((name) => name.slice(name.indexOf(':') + 1));
  const known = names.filter((name) => name !== '' && (isIP(name) !== 0) === (isIP(host) !== 0));
  if (known.length > 0) return `x509: certificate is valid for ${known.join(', ')}, not ${host}`;
  return isIP(host) !== 0
    ? `x509: cannot validate certificate for ${host} because it doesn't contain any IP SANs`
    : `x509: certificate is not valid for any names, but wanted to match ${host}`;
}
