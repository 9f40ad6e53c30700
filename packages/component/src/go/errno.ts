/** Errors of the system in Go's words (syscall.Errno). */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'cannot assign requested address',
  ECONNREFUSED: 'connection refused',
  EHOSTDOWN: 'host is down',
  EHOSTUNREACH: 'no route to host',
  EINVAL: 'invalid argument',
  ENETUNREACH: 'network is unreachable',
  ENOENT: 'no such file or directory',
};

/** @param code as Node names it. @returns undefined for those that nobody has met here */
export function errnoText(code: string | undefined): string | undefined {
  return TEXTS[code ?? ''];
}
