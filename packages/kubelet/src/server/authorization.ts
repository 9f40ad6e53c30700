/** What of the node a request wants (pkg/kubelet/server/auth.go). */
import type { ResourceAttributes } from '@keelson/api/generated/types/authorization/v1';

const VERBS: Readonly<Record<string, string>> = {
  GET: 'get',
  HEAD: '',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** By path: the permissions any of which is enough. */
const SUBRESOURCES: readonly (readonly [path: string, subresources: readonly string[]])[] = [
  ['/pods', ['pods', 'proxy']],
  ['/healthz', ['healthz', 'proxy']],
  ['/configz', ['configz', 'proxy']],
  ['/runningpods', ['pods', 'proxy']],
  ['/stats', ['stats']],
  ['/metrics', ['metrics']],
  ['/logs', ['log']],
  ['/checkpoint', ['checkpoint']],
  ['/statusz', ['statusz']],
  ['/flagz', ['configz']],
];

/** What any one of has to be allowed. @param path without query */
export function attributesOf(method: string, path: string, node: string): ResourceAttributes[] {
  const [, subresources] = SUBRESOURCES.find(([own]) => path === own || path.startsWith(`${own}/`)) ?? ['', ['proxy']];
  const verb = VERBS[method] ?? '';
  return subresources.map((subresource) => ({ verb, version: 'v1', resource: 'nodes', subresource, name: node }));
}
