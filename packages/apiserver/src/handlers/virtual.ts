/**
 * Kinds that are asked and answered but never stored: reviews, and the tokens of service accounts. They go the way of a
 * create as far as the registry would come in (apiserver/pkg/endpoints/handlers/create.go).
 */
import { qualified } from '@keelson/api/errors';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import { typeOfKind } from '@keelson/api/schema';
import { formatTime } from '@keelson/api/time';
import { addWarning } from '../context.ts';
import { pauseFor, workOn } from '../pieces.ts';
import { typedForm } from '../registry/form.ts';
import { checkNamespace } from '../registry/prepare.ts';
import type { UserInfo } from '../registry/strategy.ts';
import { mutate, validate } from './admit.ts';
import { inputMediaType, readBody } from './body.ts';
import { decodeBody, type Expected } from './decode.ts';
import { fieldManagerOfBody } from './fieldmanager.ts';
import { managerOf } from './manager.ts';
import { writeOptions } from './options.ts';
import { dedupOwnerReferences } from './owners.ts';
import { sendObject } from './respond.ts';
import type { Scope } from './scope.ts';

export interface VirtualRequest {
  readonly user: UserInfo;
  readonly namespace: string;
  /** In the path; empty where the kind is no subresource. */
  readonly name: string;
  readonly now: Date;
  readonly dryRun: boolean;
  warn(text: string): void;
  annotate(key: string, value: string): void;
  /** Validating admission of the object as it is now. @throws StatusError */
  admit(): Promise<void>;
}

export interface VirtualKind {
  /** Fills in what the client left out. */
  defaults?(object: KubeObject): void;
  /** Whether a subresource's body keeps what the server sets in metadata: uid, times. */
  readonly keepsSystemMetadata?: boolean;
  /** Older group-versions of the body. */
  readonly alsoAccepts?: readonly string[];
  /** The answer to a decoded object. @throws StatusError */
  create(request: VirtualRequest, object: KubeObject): Promise<TypedObject>;
}

/** By `resource.group` or `resource/subresource`. */
export type VirtualKinds = Readonly<Record<string, VirtualKind>>;

/** @returns undefined for what is stored */
export function virtualKindOf(
  { served, subresource }: Pick<Scope, 'served' | 'subresource'>,
  kinds: VirtualKinds,
): VirtualKind | undefined {
  const name = qualified(served.definition);
  return kinds[subresource ? `${name}/${subresource.name}` : name];
}

/** POST of what is answered and not stored: reviews, bindings, evictions, tokens. @throws StatusError */
export async function createVirtual(scope: Scope, kind: VirtualKind): Promise<void> {
  const { ctx, served, subresource } = scope;
  const mediaType = inputMediaType(ctx.exchange);
  const body = await readBody(ctx.exchange);
  const { dryRun, fieldManager, fieldValidation } = writeOptions(ctx.info.query, 'CreateOptions');
  const expected = {
    ...expectedBody(scope),
    keepsEmpty: false,
    ...(kind.alsoAccepts ? { alsoAccepts: kind.alsoAccepts } : {}),
  };
  const decoded = await decodeBody(ctx, body, mediaType, expected, fieldValidation);
  await pauseFor(body.length);
  kind.defaults?.(decoded);

  const { metadata } = decoded;
  if (!subresource || !kind.keepsSystemMetadata) {
    delete metadata.creationTimestamp;
    delete metadata.deletionTimestamp;
    delete metadata.deletionGracePeriodSeconds;
    delete metadata.selfLink;
    delete metadata.uid;
  }
  ctx.audit?.requestObject(decoded);
  checkNamespace(served.definition, ctx.info.namespace, decoded);
  dedupOwnerReferences(ctx, decoded, false);
  const manager = managerOf(scope, fieldManager);
  const fields = fieldManagerOfBody(expected, subresource?.name ?? '');
  const managing = fields.updating(undefined, decoded, manager, formatTime(ctx.receivedAt));
  const object = await workOn(body.length, managing);
  const name = subresource ? ctx.info.name : (metadata.name ?? '');
  const subject = { operation: 'CREATE' as const, name, object, dryRun };
  await mutate(scope, subject);
  await pauseFor(body.length);
  const answer = await kind.create(
    {
      user: ctx.user,
      namespace: ctx.info.namespace,
      name: subresource ? ctx.info.name : '',
      now: ctx.receivedAt,
      dryRun,
      warn: (text) => addWarning(ctx, text),
      annotate: (key, value) => {
        ctx.auditAnnotations[key] = value;
      },
      admit: () => validate(scope, subject),
    },
    object,
  );
  await sendObject(scope, 201, { ...answer });
}

function expectedBody({ served, subresource, lens }: Scope): Expected {
  if (!subresource) return lens.expected;
  const { group = served.definition.group, version = served.version, kind } = subresource;
  const type = typeOfKind(group, version, kind);
  if (!type) throw new Error(`no type for ${kind} in ${group}/${version}`);
  return { group, version, kind, form: typedForm(type) };
}
