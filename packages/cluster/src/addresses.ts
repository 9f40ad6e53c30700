/** What IP addresses stand for. */

/** `0.0.0.0`, `::`: all addresses of a machine. */
export const isUnspecified = (address: string) => address === '0.0.0.0' || /^[0:]+$/.test(address);

/** Of a machine itself, at which nobody else reaches it. */
export const isLoopback = (address: string) => address === '::1' || address.startsWith('127.');
