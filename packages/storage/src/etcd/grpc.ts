/** What calls and streams of gRPC to etcd have in common (gRPC over HTTP/2, doc/PROTOCOL-HTTP2.md of grpc). */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure, type SecureContext } from 'node:tls';
import { unbracketed } from '@keelson/component/go/net';
import { codeNamed, type RpcCode } from '@keelson/component/grpc/errors';

/** A call that failed, with gRPC's code; what has become of the connection is told in the library's words. */
export class CallError extends Error {
  readonly status: RpcCode;
  readonly details: string;

  /** @param status or its code */
  constructor(status: RpcCode | number, details: string) {
    super(details);
    this.status = typeof status === 'number' ? codeNamed(status) : status;
    this.details = details;
  }
}

export interface Address {
  /** `host:port`, or the path of a socket. */
  readonly address: string;
  readonly isSocket: boolean;
  /** A socket that leads there. Default: straight. */
  readonly via?: string | undefined;
  /** Undefined: without TLS. */
  readonly tls: SecureContext | undefined;
}

/** What a request for `path` begins with. */
export function fieldsOf(
  { address, isSocket, tls }: Address,
  path: string,
): (readonly [name: string, value: string])[] {
  return [
    [':method', 'POST'],
    [':scheme', tls ? 'https' : 'http'],
    [':path', path],
    [':authority', isSocket ? 'localhost' : address],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
  ];
}

/** @returns a connection on its way there */
export function dial({ address, isSocket, via, tls }: Address): Socket {
  if (isSocket) {
    return tls ? connectSecure({ path: address, secureContext: tls, ALPNProtocols: ['h2'] }) : connectPlain(address);
  }
  const { hostname, port } = new URL(`http://${address}`);
  const host = unbracketed(hostname);
  const to = { host, port: Number(port || (tls ? 443 : 80)), ...(via === undefined ? {} : { path: via }) };
  if (!tls) return via === undefined ? connectPlain(to) : connectPlain(via);
  // Names alone may be told to the server (RFC 6066, section 3).
  const name = isIP(host) ? {} : { servername: host };
  return connectSecure({ ...to, ...name, secureContext: tls, ALPNProtocols: ['h2'] });
}

/** A message is preceded by whether it is compressed, and its length in four bytes. */
export const PREFIX = 5;

/** A message as it is sent. */
export function framed(message: Buffer): Buffer {
  const body = Buffer.allocUnsafe(PREFIX + message.length);
  body[0] = 0;
  body.writeUInt32BE(message.length, 1);
  body.set(message, PREFIX);
  return body;
}
