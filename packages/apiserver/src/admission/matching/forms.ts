/**
 * The forms in which one request can be looked at: its resource in every version that is served, and in groups that
 * share the stored objects (k8s.io/apimachinery/pkg/runtime/mapper.go, k8s.io/apiserver/pkg/admission/conversion.go).
 */
import { type Body, encodeJson, jsonText, openJson } from '@keelson/api/codec/json';
import { quote } from '@keelson/api/field';
import {
  apiVersionOf,
  type GroupVersionKind,
  type GroupVersionResource,
  type KubeObject,
  parseApiVersion,
} from '@keelson/api/object';
import { plainError } from '@keelson/api/patch/errors';
import type { JsonObject } from '@keelson/api/patch/value';
import { atOnce } from '@keelson/api/pieces';
import { typeOfKind } from '@keelson/api/schema';
import { fromStorage, toStorage } from '../../registry/conversion.ts';
import { type ObjectForm, typedForm } from '../../registry/form.ts';
import { type ExpectedKind, kindMismatch, kindMissing } from '../../registry/kinds.ts';
import type { ServedResource } from '../../registry/resource.ts';
import type { Resources } from '../../resources.ts';
import type { AdmissionAttributes } from '../plugin.ts';

export interface Form {
  readonly resource: GroupVersionResource;
  readonly kind: GroupVersionKind;
  readonly form: ObjectForm;
  /**
   * From what admission holds (the storage version, of custom resources the request's); does not change it.
   * @throws StatusError 500 where a webhook does not convert it
   */
  read(object: KubeObject): KubeObject | Promise<KubeObject>;
  /** Back; may reuse its argument. @throws StatusError like `read` */
  write(object: KubeObject): KubeObject | Promise<KubeObject>;
  /** A document that was changed, as the object that it is now, defaulted. @throws Error, StatusError 500 */
  decode(document: JsonObject): KubeObject;
}

/** All forms of a request, the one that was asked for first. */
export interface Forms {
  readonly own: Form;
  /** Besides its own, in the order in which they are served. */
  readonly equivalents: readonly Form[];
}

export type FormsOf = (resource: GroupVersionResource, subresource: string) => Forms;

export function formsOf(resources: Resources): FormsOf {
  const known = new WeakMap<ServedResource, Map<string, Forms>>();
  return (resource, subresource) => {
    const served = resources.find(`${resource.group}/${resource.version}/${resource.resource}`);
    if (!served) throw new Error(`${resource.resource} of ${apiVersionOf(resource)} is not served`);
    const bySubresource = known.get(served) ?? new Map<string, Forms>();
    known.set(served, bySubresource);
    let forms = bySubresource.get(subresource);
    if (!forms) {
      forms = findForms(resources, served, subresource);
      bySubresource.set(subresource, forms);
    }
    return forms;
  };
}

function findForms(resources: Resources, served: ServedResource, subresource: string): Forms {
  const equivalents: Form[] = [];
  for (const other of resources.all()) {
    if (other === served || other.definition.prefix !== served.definition.prefix) continue;
    if (subresource === '' || other.subresources.has(subresource)) equivalents.push(formOf(other, subresource, served));
  }
  return { own: formOf(served, subresource, served), equivalents };
}

/** @param asked in which version the request is */
function formOf(served: ServedResource, name: string, asked: ServedResource): Form {
  const { definition, version } = served;
  const resource = { group: definition.group, version, resource: definition.resource };
  const subresource = served.subresources.get(name);
  const kind = {
    group: subresource?.group ?? definition.group,
    version: subresource?.version ?? version,
    kind: subresource?.kind ?? definition.kind,
  };
  const isOwnKind = kind.kind === definition.kind && kind.group === definition.group;
  const form = isOwnKind ? served.form : typedForm(typeOfKind(kind.group, kind.version, kind.kind)!);
  const defaults = (object: KubeObject): void => {
    if (isOwnKind) definition.registration.strategy.defaults?.(object, version);
  };
  // As it would be written: to policies and webhooks what is there but empty is not there.
  const read = (object: KubeObject) => form.withoutEmpties(isOwnKind ? fromStorage(served, object) : object);
  const isConverted = isOwnKind && served !== asked && served.convert !== undefined;
  return {
    resource,
    kind,
    form,
    read: isConverted ? async (object) => read(await converted(served, object)) : read,
    write: isConverted
      ? (object) => converted(asked, object)
      : (object) => (isOwnKind ? toStorage(served, object) : object),
    decode(document) {
      const body = openJson(encodeJson(document));
      checkKind(body, document, { ...kind, form });
      const { object } = atOnce(form.decoding(body, { strict: false }));
      // Which kind a custom resource says it is, its strategy judges.
      if (form.type) object.kind = kind.kind;
      object.apiVersion = apiVersionOf(kind);
      defaults(object);
      return object;
    },
  };
}

/** @throws Error, StatusError 500 where a document has become one of another kind, or of another group */
function checkKind(body: Body, document: JsonObject, expected: ExpectedKind): void {
  const { kind, apiVersion } = body;
  if (expected.form.type) {
    const mismatch = kindMismatch(kind, apiVersion, expected, (type) => body.decode(type, { strict: false }));
    if (mismatch) throw new Error(mismatch);
    return;
  }
  if (kind === '') throw new Error(kindMissing(jsonText(document)));
  const { group, version } = parseApiVersion(apiVersion);
  if (group !== expected.group)
    throw plainError(
      `${group}/${version}, Kind=${kind} is unstructured and is not suitable for converting to ${quote(apiVersionOf(expected))}`,
    );
}

/** A custom resource as an object of this version. @throws StatusError 500 where a webhook does not convert it */
function converted(served: ServedResource, object: KubeObject): KubeObject | Promise<KubeObject> {
  const apiVersion = apiVersionOf({ group: served.definition.group, version: served.version });
  return object.apiVersion === apiVersion ? object : served.convert!(object, apiVersion);
}

/** A request's objects in one form at a time. */
export class VersionedObjects {
  readonly attributes: AdmissionAttributes;
  #form: Form;
  #object: KubeObject | undefined;
  #oldObject: KubeObject | undefined;
  #isChanged = false;

  private constructor(attributes: AdmissionAttributes, form: Form) {
    this.attributes = attributes;
    this.#form = form;
  }

  /** @throws StatusError 500 where a webhook does not convert them */
  static of(attributes: AdmissionAttributes, form: Form): Promise<VersionedObjects> {
    return new VersionedObjects(attributes, form).#read(form);
  }

  get form(): Form {
    return this.#form;
  }
  get object(): KubeObject | undefined {
    return this.#object;
  }
  get oldObject(): KubeObject | undefined {
    return this.#oldObject;
  }

  /** Changes so far come along. @throws StatusError 500 where a webhook does not convert them */
  async convert(form: Form): Promise<this> {
    if (form === this.#form) return this;
    await this.commit();
    return this.#read(form);
  }

  async #read(form: Form): Promise<this> {
    const object = this.attributes.object && (await form.read(this.attributes.object));
    this.#oldObject = this.attributes.oldObject && (await form.read(this.attributes.oldObject));
    this.#object = object;
    this.#form = form;
    return this;
  }

  replace(object: KubeObject): void {
    this.#object = object;
    this.#isChanged = true;
  }

  /** Makes the request's object what it has become. @throws StatusError 500 where a webhook does not convert it back */
  async commit(): Promise<void> {
    const { object } = this.attributes;
    if (!this.#isChanged || !this.#object || !object) return;
    const changed = await this.#form.write({ ...this.#object });
    for (const key of Object.keys(object)) delete object[key];
    Object.assign(object, changed);
    this.#isChanged = false;
  }
}
