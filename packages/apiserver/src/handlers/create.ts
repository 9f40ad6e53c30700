/** POST to a collection (apiserver/pkg/endpoints/handlers/create.go). */
import type { KubeObject } from '@keelson/api/object';
import { checkNamespace } from '../registry/prepare.ts';
import { mutate, validate } from './admit.ts';
import { inputMediaType, readBody } from './body.ts';
import { decodeBody } from './decode.ts';
import { fieldManagerFor } from './fieldmanager.ts';
import { managerOf } from './manager.ts';
import { writeOptions } from './options.ts';
import { dedupOwnerReferences } from './owners.ts';
import { sendObject } from './respond.ts';
import { toStorage } from '../registry/conversion.ts';
import { expectedOf, type Scope, writeRequest } from './scope.ts';

export async function createObject(scope: Scope): Promise<void> {
  const { ctx, served, store } = scope;
  const mediaType = inputMediaType(ctx.exchange);
  const body = await readBody(ctx.exchange);
  const options = writeOptions(ctx.info.query, 'CreateOptions');
  const decoded = decodeBody(ctx, body, mediaType, expectedOf(served), options.fieldValidation);
  served.definition.registration.strategy.defaults?.(decoded, served.version);
  let object = toStorage(served, decoded);

  const { metadata } = object;
  delete metadata.creationTimestamp;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  delete metadata.selfLink;
  delete metadata.uid;
  // A namespace is created in itself, as far as admission and authorization of what follows are concerned.
  checkNamespace(served.definition, ctx.info.namespace, object);
  dedupOwnerReferences(ctx, object, false);

  object = fieldManagerFor(scope).update(undefined, object, managerOf(scope, options.fieldManager), ctx.receivedAt);
  const name = metadata.name ?? '';
  await mutate(scope, { operation: 'CREATE', name, object, dryRun: options.dryRun });
  dedupOwnerReferences(ctx, object, true);

  const created = await store.create(object, {
    ...writeRequest(scope, options.dryRun),
    admit: (final: KubeObject) => validate(scope, { operation: 'CREATE', name, object: final, dryRun: options.dryRun }),
  });
  await sendObject(scope, 201, created);
}
