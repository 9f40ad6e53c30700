/** POST to a collection (apiserver/pkg/endpoints/handlers/create.go). */
import type { KubeObject } from '@keelson/api/object';
import { formatTime } from '@keelson/api/time';
import { pauseFor, workOn } from '../pieces.ts';
import { checkNamespace } from '../registry/prepare.ts';
import { mutateWrite, validateWrite } from './admit.ts';
import { inputMediaType, readBody } from './body.ts';
import { decodeBody } from './decode.ts';
import { managerOf } from './manager.ts';
import { writeOptions } from './options.ts';
import { dedupOwnerReferences } from './owners.ts';
import { sendObject } from './respond.ts';
import { type Scope, writeRequest } from './scope.ts';
import { leavingManagersOut, withoutManagers } from './size.ts';

/** POST of an object, or of a subresource that is stored. @throws StatusError 400, 409, 413, 415, 422, and what admission says */
export async function createObject(scope: Scope): Promise<void> {
  const { ctx, served, store, lens } = scope;
  const mediaType = inputMediaType(ctx.exchange);
  const body = await readBody(ctx.exchange);
  const options = writeOptions(ctx.info.query, 'CreateOptions');
  const decoded = await decodeBody(ctx, body, mediaType, lens.expected, options.fieldValidation);
  await pauseFor(body.length);
  lens.defaults(decoded, ctx.receivedAt);
  const { metadata } = decoded;
  delete metadata.creationTimestamp;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  delete metadata.uid;
  ctx.audit?.requestObject(decoded);
  // A namespace is created in itself, as far as admission and authorization of what follows are concerned.
  checkNamespace(served.definition, ctx.info.namespace, decoded);
  dedupOwnerReferences(ctx, decoded, false);

  const manager = managerOf(scope, options.fieldManager);
  const managing = lens.fields.updating(undefined, decoded, manager, formatTime(ctx.receivedAt));
  const managed = await workOn(body.length, managing);
  const name = metadata.name ?? '';
  const object = await mutateWrite(scope, name, undefined, managed, options.dryRun);

  const created = await leavingManagersOut((isLeft) =>
    store.create(isLeft ? withoutManagers(object) : object, {
      ...writeRequest(scope, options.dryRun),
      size: body.length,
      admit: async (final: KubeObject) => {
        await validateWrite(scope, name, undefined, final, options.dryRun);
        await pauseFor(body.length);
      },
    }),
  );
  await sendObject(scope, 201, created);
}
