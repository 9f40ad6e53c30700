/** PUT of an object or of a subresource that is a view of it (apiserver/pkg/endpoints/handlers/update.go). */

import { copyOf } from '@keelson/api/codec/empties';
import { badRequest } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { formatTime } from '@keelson/api/time';
import { pauseFor } from '../pieces.ts';
import { checkNamespace } from '../registry/prepare.ts';
import { mutateWrite, validateWrite } from './admit.ts';
import { inputMediaType, readBody } from './body.ts';
import { decodeBody } from './decode.ts';
import { managerOf } from './manager.ts';
import { writeOptions } from './options.ts';
import { dedupOwnerReferences } from './owners.ts';
import { sendObject } from './respond.ts';
import { type Scope, viewOf, writeRequest } from './scope.ts';
import { leavingManagersOut, withoutManagers } from './size.ts';

/** PUT, which creates where the kind allows it. @throws StatusError 400, 404, 409, 413, 415, 422, and what admission says */
export async function updateObject(scope: Scope): Promise<void> {
  const { ctx, served, store, lens } = scope;
  const { name } = ctx.info;
  const body = await readBody(ctx.exchange);
  const options = writeOptions(ctx.info.query, 'UpdateOptions');
  const mediaType = inputMediaType(ctx.exchange);
  const decoded = await decodeBody(ctx, body, mediaType, lens.expected, options.fieldValidation);
  await pauseFor(body.length);
  lens.defaults(decoded, ctx.receivedAt);
  ctx.audit?.requestObject(decoded);
  checkNamespace(served.definition, ctx.info.namespace, decoded);
  checkName(decoded, name);
  dedupOwnerReferences(ctx, decoded, false);

  const manager = managerOf(scope, options.fieldManager);
  const { uid } = decoded.metadata;
  const { object, created } = await leavingManagersOut((isLeft) =>
    store.update({
      ...writeRequest(scope, options.dryRun),
      name,
      size: body.length,
      ...(uid ? { preconditions: { uid } } : {}),
      ...viewOf(scope),
      transform: async (live, size) => {
        const current = live && lens.readForWrite(live);
        const fresh = copyOf(decoded);
        const now = formatTime(ctx.receivedAt);
        const object = isLeft
          ? withoutManagers(fresh)
          : await lens.manage(size, (fields) => fields.updating(current, fresh, manager, now));
        await pauseFor(size);
        return mutateWrite(scope, name, live, object, options.dryRun);
      },
      admitCreate: async (final) => {
        await scope.authorizeCreate();
        await validateWrite(scope, name, undefined, final, options.dryRun);
      },
      admitUpdate: (final, old) => validateWrite(scope, name, old, final, options.dryRun),
    }),
  );
  await sendObject(scope, created ? 201 : 200, object);
}

/** @throws StatusError 400 */
export function checkName(object: KubeObject, name: string): void {
  const own = object.metadata.name ?? '';
  if (own === '') {
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  }
  if (own !== name) throw badRequest(`the name of the object (${own}) does not match the name on the URL (${name})`);
}
