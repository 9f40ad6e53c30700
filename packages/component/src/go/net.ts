/** Addresses as Go's net writes them. */

/** net.JoinHostPort: `host:port`, an IPv6 address in brackets. */
export function joinHostPort(host: string, port: number | string): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** @param host of a URL. @returns an IPv6 address without its brackets */
export function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}
