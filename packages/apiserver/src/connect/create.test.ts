import { notFound } from '@keelson/api/errors';
import { expect, it } from 'vitest';
import type { Attributes } from '../authz/attributes.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import { type ConnectDeps, type ConnectScope, connect } from './index.ts';

/** A user who may read the subresources of pods, and make nothing. @returns what he is answered, and what was asked */
async function answered(method: string, subresource: string, needsCreate: boolean) {
  const asked: string[] = [];
  const admission = { mutate: async () => {}, validate: async () => {}, find: () => [] };
  const scope = {
    ctx: {
      info: parseRequestInfo(method, `/api/v1/namespaces/ns/pods/p/${subresource}?command=id`),
      user: { name: 'u', uid: '', groups: [], extra: {} },
      exchange: { headers: {} },
      warnings: [],
      auditAnnotations: {},
    },
    served: { definition: { group: '', resource: 'pods', kind: 'Pod' }, version: 'v1' },
    subresource: { name: subresource, kind: 'PodExecOptions' },
    admission,
  } as unknown as ConnectScope;
  const deps = {
    locator: {
      objects: {
        getLive: async () => {
          throw notFound({ group: '', resource: 'pods' }, 'p');
        },
      },
    },
    authorize: async ({ verb }: Attributes) => {
      asked.push(verb);
      return { decision: 'noOpinion', reason: '' };
    },
    isEnabled: () => needsCreate,
    streamed: () => {},
  } as unknown as ConnectDeps;
  const code = await connect(scope, deps).then(
    () => 200,
    (error) => error.code as number,
  );
  return { code, asked };
}

// 404: he was let through, to a pod that is not there.
it.each([
  ['GET', 'exec', true, 403, ['create']],
  ['GET', 'attach', true, 403, ['create']],
  ['GET', 'portforward', true, 403, ['create']],
  ['GET', 'exec', false, 404, []],
  ['POST', 'exec', true, 404, []],
])('%s %s by a user who may only read, gate %s: %i', async (method, subresource, gate, code, asked) => {
  expect(await answered(method, subresource, gate)).toEqual({ code, asked });
});
