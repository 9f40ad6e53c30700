import type { X509Certificate } from 'node:crypto';

/** Who asks, as TokenReviews and SubjectAccessReviews have it. */
export interface User {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>> | undefined;
}

export const ANONYMOUS: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] };

/** The user that a client certificate names: CN, with each O a group; undefined where there is no CN. */
export function userOf(certificate: X509Certificate): User | undefined {
  const subject = certificate.toLegacyObject().subject as unknown as Readonly<Record<string, string | string[]>>;
  const names = [subject.CN ?? []].flat();
  const name = names.at(-1) ?? '';
  return name === '' ? undefined : { name, groups: [[subject.O ?? []].flat(), 'system:authenticated'].flat() };
}
