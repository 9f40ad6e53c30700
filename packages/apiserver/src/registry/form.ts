/** How the objects of a kind in one version are read, and what their canonical form is: by a type, or by a schema. */
import { type ApplySchema, applySchemaOf } from '@keelson/api/apply/schema';
import { emptiesToNull, withoutEmpties } from '@keelson/api/codec/empties';
import { type Body, type Decoded, type DecodeOptions, normalize } from '@keelson/api/codec/json';
import type { KubeObject } from '@keelson/api/object';
import type { JsonObject } from '@keelson/api/patch/value';
import type { Pieces } from '@keelson/api/pieces';
import type { StructType } from '@keelson/api/schema';

export interface ObjectForm {
  /** Undefined for custom resources, which know no protobuf and no strategic merge patch. */
  readonly type: StructType | undefined;
  /** Whether items of lists say what they are, and a list whether it goes on: where no type says it for them. */
  readonly selfDescribing: boolean;
  /** How apply sees the objects. */
  readonly apply: ApplySchema;
  /** `{}` in canonical form. */
  readonly empty: JsonObject;
  /** @throws DecodeError */
  decoding(body: Body, options: DecodeOptions): Pieces<Decoded>;
  /** The canonical form of a value, which is copied. @throws DecodeError */
  normalize(value: unknown, keepsEmpty?: boolean): KubeObject;
  /** See codec/empties.ts. */
  withoutEmpties<T extends object>(object: T): T;
  /** In place. */
  emptiesToNull(object: object): void;
  /** Makes of a canonical object what reading it again would, where that is something else. In place. */
  reread?(object: KubeObject): void;
}

const forms = new WeakMap<StructType, ObjectForm>();

/** The form of a built-in type. */
export function typedForm(type: StructType): ObjectForm {
  let form = forms.get(type);
  if (!form) {
    form = new TypedForm(type);
    forms.set(type, form);
  }
  return form;
}

class TypedForm implements ObjectForm {
  readonly type: StructType;
  readonly selfDescribing = false;

  constructor(type: StructType) {
    this.type = type;
  }
  get apply(): ApplySchema {
    return applySchemaOf(this.type);
  }
  get empty(): JsonObject {
    return normalize({}, this.type) as JsonObject;
  }
  decoding(body: Body, options: DecodeOptions): Pieces<Decoded> {
    return body.decoding(this.type, options);
  }
  normalize(value: unknown, keepsEmpty = false): KubeObject {
    return normalize(value, this.type, keepsEmpty);
  }
  withoutEmpties<T extends object>(object: T): T {
    return withoutEmpties(object, this.type);
  }
  emptiesToNull(object: object): void {
    emptiesToNull(object, this.type);
  }
}
