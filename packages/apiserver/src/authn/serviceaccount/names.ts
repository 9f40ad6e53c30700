/** User names and groups of service accounts (k8s.io/apiserver/pkg/authentication/serviceaccount). */
import { nameIsDNSLabel, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import type { UserInfo } from '../../registry/strategy.ts';
import { CREDENTIAL_ID } from '../authenticator.ts';

const PREFIX = 'system:serviceaccount:';
export const POD_NAME = 'authentication.kubernetes.io/pod-name';
export const POD_UID = 'authentication.kubernetes.io/pod-uid';
export const NODE_NAME = 'authentication.kubernetes.io/node-name';
const NODE_UID = 'authentication.kubernetes.io/node-uid';

export function serviceAccountUsername(namespace: string, name: string): string {
  return `${PREFIX}${namespace}:${name}`;
}

export function serviceAccountGroups(namespace: string): string[] {
  return ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
}

/** Undefined for a user who is no service account. */
export function splitServiceAccountUsername(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(PREFIX)) return undefined;
  const [namespace, name, ...rest] = username.slice(PREFIX.length).split(':');
  if (namespace === undefined || name === undefined || rest.length > 0) return undefined;
  const valid = nameIsDNSLabel(namespace, false).length === 0 && nameIsDNSSubdomain(name, false).length === 0;
  return valid ? { namespace, name } : undefined;
}

export interface ServiceAccountIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly pod?: { readonly name: string; readonly uid: string };
  readonly node?: { readonly name: string; readonly uid: string };
  /** The token's id, `JTI=…`. */
  readonly credentialId?: string;
}

/** Whom a token stands for: name, groups, and in `extra` what it is bound to. */
export function serviceAccountUser(identity: ServiceAccountIdentity): UserInfo {
  const { namespace, name, uid, pod, node, credentialId } = identity;
  const extra: Record<string, string[]> = {};
  if (pod && pod.name !== '' && pod.uid !== '') {
    extra[POD_NAME] = [pod.name];
    extra[POD_UID] = [pod.uid];
  }
  if (credentialId) extra[CREDENTIAL_ID] = [credentialId];
  if (node && node.name !== '') {
    extra[NODE_NAME] = [node.name];
    if (node.uid !== '') extra[NODE_UID] = [node.uid];
  }
  return { name: serviceAccountUsername(namespace, name), uid, groups: serviceAccountGroups(namespace), extra };
}
