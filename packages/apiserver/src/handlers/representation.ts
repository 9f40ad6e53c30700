/**
 * The forms in which objects leave the server. Everything that depends on Accept (JSON, YAML, protobuf; the object, a
 * Table, its metadata alone) is behind this one interface, so that get, list and watch know nothing of it.
 */
import type { KubeObject } from '@keelson/api/object';
import type { Pieces } from '@keelson/api/pieces';
import type { ChunkWriter } from '../http/chunks.ts';
import type { CachedObject } from '../registry/cached-objects.ts';

export interface ListMeta {
  /** Absent for lists that come from no store. */
  readonly resourceVersion?: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

export type Body = Buffer | Pieces<Buffer>;

export interface Representation {
  readonly contentType: string;
  /** The content type of a watch in this form. */
  readonly streamContentType: string;
  /** Representations of one form make the same bytes of an object of the store; undefined: nobody makes the same as this one. */
  readonly form: string | undefined;
  /** An object in the storage version, as the body of an answer: in pieces where there is more to do than to copy it. */
  object(object: KubeObject): Body;
  cached(object: CachedObject): Body;
  /** Writes the body of a list. Yields between items, where other work may go on. */
  list(items: readonly CachedObject[], meta: ListMeta, out: ChunkWriter): Iterable<void>;
  /** One event of a watch, framed. Where there is a form, it is the same buffer for the same object and type, so that watchers share it. */
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: CachedObject): Buffer;
  bookmark(revision: number, initialEventsEnd: boolean): Buffer;
  /** A Status as the last event of a watch. */
  error(status: object): Buffer;
}
